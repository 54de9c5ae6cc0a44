"""Ops become plain values, and plain values ops."""

from absl.testing import absltest
import tensorflow.compat.v1 as tf

from tools.parity import golden_ops


class GoldenOpsTest(absltest.TestCase):

  def test_graph_of_ops(self):
    plain = dict(
        device='/device:CPU:0',
        inputs=['a', '^b'],
        attributes={
            '_output_shapes': [[2, -1], None, []],
            'T': 'float32',
            'N': 3,
            'ok': True,
            '_class': ['loc:@w'],
            'alpha': 'f: 0.5',
            'e': 'list { }',
        },
    )
    graph = golden_ops.graph_def(
        [['w', 'Any', plain['device'], plain['inputs'], plain['attributes']]],
        '/d',
    )
    (node,) = graph.node
    self.assertEqual(
        ('w', 'Any', '/device:CPU:0', ['a', '^b']),
        (node.name, node.op, node.device, list(node.input)),
    )
    attributes = node.attr
    shapes = attributes['_output_shapes'].list.shape
    self.assertEqual([2, -1], [d.size for d in shapes[0].dim])
    self.assertTrue(shapes[1].unknown_rank)
    self.assertFalse(shapes[2].unknown_rank)
    self.assertEqual(tf.float32.as_datatype_enum, attributes['T'].type)
    self.assertEqual(3, attributes['N'].i)
    self.assertTrue(attributes['ok'].b)
    self.assertEqual([b'loc:@w'], list(attributes['_class'].list.s))
    self.assertEqual(0.5, attributes['alpha'].f)
    self.assertEqual('list', attributes['e'].WhichOneof('value'))

    self.assertEqual(
        [['w', 'Any', plain['device'], plain['inputs'], plain['attributes']]],
        golden_ops.plain(graph, '/d'),
    )

  def test_the_directory_of_the_images_is_not_in_it(self):
    graph = tf.GraphDef()
    node = graph.node.add(name='files', op='Const')
    node.attr['value'].tensor.string_val.append(b'/mine/batch.bin')
    ops = golden_ops.plain(graph, '/mine')
    self.assertNotIn('/mine', str(ops))
    (node,) = golden_ops.graph_def(ops, '/yours').node
    self.assertEqual(
        [b'/yours/batch.bin'], list(node.attr['value'].tensor.string_val)
    )
