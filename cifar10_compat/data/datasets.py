"""The built-in image sets that --dataset selects."""

import os

from cifar10_compat.base import errors
from cifar10_compat.data import description
from cifar10_compat.data import svhn
from cifar10_compat.data import synthetic

CIFAR10 = description.Dataset(
    name='cifar10',
    directory='cifar-10-batches-bin',
    train_files=tuple(f'data_batch_{i}.bin' for i in range(1, 6)),
    eval_files=('test_batch.bin',),
    class_names=(
        'airplane',
        'automobile',
        'bird',
        'cat',
        'deer',
        'dog',
        'frog',
        'horse',
        'ship',
        'truck',
    ),
    num_examples_per_epoch_for_train=50000,
    num_examples_per_epoch_for_eval=10000,
    sources=(
        description.RemoteFile(
            url='https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
            size=170052171,
            sha256='c4a38c50a1bc5f3a1c5537f2155ab9d6'
            '8f9f25eb1ed8d9ddda3db29a59bca1dd',
        ),
    ),
)

# Generated images, for a machine without image files or network access.
SYNTHETIC = CIFAR10._replace(
    name='synthetic',
    directory='synthetic-batches-bin',
    class_names=synthetic.CLASS_NAMES,
    sources=(),
    make=synthetic.write_batches,
)

# A record contains the label of one of 20 superclasses, then the label of one
# of 100 classes; the names are in the order of the archive's two .txt files.
CIFAR100 = description.Dataset(
    name='cifar100',
    directory='cifar-100-binary',
    train_files=('train.bin',),
    eval_files=('test.bin',),
    class_names=(
        'apple',
        'aquarium_fish',
        'baby',
        'bear',
        'beaver',
        'bed',
        'bee',
        'beetle',
        'bicycle',
        'bottle',
        'bowl',
        'boy',
        'bridge',
        'bus',
        'butterfly',
        'camel',
        'can',
        'castle',
        'caterpillar',
        'cattle',
        'chair',
        'chimpanzee',
        'clock',
        'cloud',
        'cockroach',
        'couch',
        'crab',
        'crocodile',
        'cup',
        'dinosaur',
        'dolphin',
        'elephant',
        'flatfish',
        'forest',
        'fox',
        'girl',
        'hamster',
        'house',
        'kangaroo',
        'keyboard',
        'lamp',
        'lawn_mower',
        'leopard',
        'lion',
        'lizard',
        'lobster',
        'man',
        'maple_tree',
        'motorcycle',
        'mountain',
        'mouse',
        'mushroom',
        'oak_tree',
        'orange',
        'orchid',
        'otter',
        'palm_tree',
        'pear',
        'pickup_truck',
        'pine_tree',
        'plain',
        'plate',
        'poppy',
        'porcupine',
        'possum',
        'rabbit',
        'raccoon',
        'ray',
        'road',
        'rocket',
        'rose',
        'sea',
        'seal',
        'shark',
        'shrew',
        'skunk',
        'skyscraper',
        'snail',
        'snake',
        'spider',
        'squirrel',
        'streetcar',
        'sunflower',
        'sweet_pepper',
        'table',
        'tank',
        'telephone',
        'television',
        'tiger',
        'tractor',
        'train',
        'trout',
        'tulip',
        'turtle',
        'wardrobe',
        'whale',
        'willow_tree',
        'wolf',
        'woman',
        'worm',
    ),
    num_examples_per_epoch_for_train=50000,
    num_examples_per_epoch_for_eval=10000,
    label_bytes=2,
    label_index=1,
    sources=(
        description.RemoteFile(
            url='https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
            size=168513733,
            sha256='58a81ae192c23a4be8b1804d68e518ed'
            '807d710a4eb253b1f2a199162a40d8ec',
        ),
    ),
)

CIFAR100_COARSE = CIFAR100._replace(
    name='cifar100_coarse',
    class_names=(
        'aquatic_mammals',
        'fish',
        'flowers',
        'food_containers',
        'fruit_and_vegetables',
        'household_electrical_devices',
        'household_furniture',
        'insects',
        'large_carnivores',
        'large_man-made_outdoor_things',
        'large_natural_outdoor_scenes',
        'large_omnivores_and_herbivores',
        'medium_mammals',
        'non-insect_invertebrates',
        'people',
        'reptiles',
        'small_mammals',
        'trees',
        'vehicles_1',
        'vehicles_2',
    ),
    label_index=0,
)

# Images of house numbers, which the tutorial suggests in an exercise.
SVHN = description.Dataset(
    name='svhn',
    directory='svhn-batches-bin',
    train_files=(svhn.TRAIN_FILE,),
    eval_files=(svhn.TEST_FILE,),
    class_names=tuple('0123456789'),
    num_examples_per_epoch_for_train=73257,
    num_examples_per_epoch_for_eval=26032,
    flip=False,
    sources=(
        description.RemoteFile(
            url='http://ufldl.stanford.edu/housenumbers/train_32x32.mat',
            size=182040794,
            sha256='435e94d69a87fde4fd4d7f3dd208dfc3'
            '2cb6ae8af2240d066de1df7508d083b8',
        ),
        description.RemoteFile(
            url='http://ufldl.stanford.edu/housenumbers/test_32x32.mat',
            size=64275384,
            sha256='cdce80dfb2a2c4c6160906d0bd7c68ec'
            '5a99d7ca4831afa54f09182025b6a75b',
        ),
    ),
    make=svhn.write_batches,
)

DATASETS = {
    dataset.name: dataset
    for dataset in (CIFAR10, CIFAR100, CIFAR100_COARSE, SVHN, SYNTHETIC)
}


def get(name: str) -> description.Dataset:
  """Returns the built-in set called `name`, or the set in a directory.

  Args:
    name: a key of DATASETS, or the path of a directory with an image_set.json.

  Raises:
    UsageError: the set or directory does not exist, or cannot be searched.
    DataError: see description.load().
  """
  if name in DATASETS:
    return DATASETS[name]
  try:
    os.lstat(os.path.join(name, description.FILE_NAME))
  except PermissionError as e:
    raise errors.UsageError(
        f'cannot search {name} ({e.strerror}): ask its owner for permission'
    ) from e
  except (OSError, ValueError) as e:  # ValueError: the name contains a NUL.
    raise errors.UsageError(
        f'no data set is called {name!r}: choose one of '
        f"{', '.join(sorted(DATASETS))}, or a directory written by make_records"
    ) from e
  return description.load(name)
