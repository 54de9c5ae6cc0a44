"""Installs the package and its programs: pip install ."""

import setuptools

setuptools.setup(
    name='cifar10_compat',
    version='0.1.0',
    description="TensorFlow's CIFAR-10 tutorial of 2016 on today's TensorFlow",
    license='Apache-2.0',
    packages=['cifar10_compat'],
    python_requires='>=3.10',
    install_requires=['tensorflow>=2.21', 'numpy', 'six'],
    extras_require={
        'compare': ['matplotlib', 'scipy'],
        'data': ['pillow', 'scipy'],
        'tensorboard': ['tensorboard'],
        'test': ['matplotlib', 'pillow', 'scipy', 'selenium', 'tensorboard'],
    },
    entry_points={
        'console_scripts': [
            'cifar10_distributed_train = '
            'cifar10_compat.cifar10_distributed_train:console_main',
            'cifar10_multi_gpu_train = '
            'cifar10_compat.cifar10_multi_gpu_train:console_main',
            'cifar10_train = cifar10_compat.cifar10_train:console_main',
            'cifar10_eval = cifar10_compat.cifar10_eval:console_main',
            'cifar10_export = cifar10_compat.cifar10_export:console_main',
            'cifar10_predict = cifar10_compat.cifar10_predict:console_main',
        ],
    },
)
