"""A Kafka cluster without Kafka: librdkafka's own mock brokers as a process that speaks the real wire protocol.

Run `python tests/outbox/mock_kafka.py [--brokers 1] [--topic NAME:PARTITIONS …]`. It prints `127.0.0.1:PORT` as its
first line, answers every command line on its input with `ok`, and ends when its input ends:

    down [BROKER]            refuse connections and cut those there are (all brokers without a number)
    up [BROKER]              take connections again, on the same ports
    rtt MILLISECONDS         answer that much later from now on
    errors API CODE COUNT    answer the next COUNT requests of the API (0 produce, 22 producer id) with the error
    clear API                forget such errors
    topic NAME PARTITIONS    make a topic; others make themselves, with 4 partitions
    refuse NAME CODE         answer metadata of the topic with the error; 0 ends it
    leader NAME PARTITION B  make a broker the leader of a partition

A partition keeps its newest 5 MB: to read a long test back, make many partitions or read along.
"""

import argparse
import ctypes
import sys
from collections.abc import Callable
from pathlib import Path

import confluent_kafka

_PRODUCER = 0
_TEXT_SIZE = 512
_ALL = -1


class MockCluster:
    """Mock brokers of this process, made and moved through librdkafka's C interface."""

    def __init__(self, brokers: int) -> None:
        folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
        self._library = ctypes.CDLL(str(next(folder.glob("librdkafka-*"))))
        self._declare()
        problem = ctypes.create_string_buffer(_TEXT_SIZE)
        self._handle = self._library.rd_kafka_new(_PRODUCER, None, problem, _TEXT_SIZE)
        if not self._handle:
            raise RuntimeError(problem.value.decode())
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._handle, brokers)
        self.bootstrap = str(self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode())

    def _declare(self) -> None:
        pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
        for name, answer, arguments in (
            ("rd_kafka_new", pointer, [number, pointer, text, ctypes.c_size_t]),
            ("rd_kafka_destroy", None, [pointer]),
            ("rd_kafka_mock_cluster_new", pointer, [pointer, number]),
            ("rd_kafka_mock_cluster_destroy", None, [pointer]),
            ("rd_kafka_mock_cluster_bootstraps", text, [pointer]),
            ("rd_kafka_mock_broker_set_down", number, [pointer, ctypes.c_int32]),
            ("rd_kafka_mock_broker_set_up", number, [pointer, ctypes.c_int32]),
            ("rd_kafka_mock_broker_set_rtt", number, [pointer, ctypes.c_int32, number]),
            ("rd_kafka_mock_push_request_errors_array", None, [pointer, ctypes.c_int16, ctypes.c_size_t, pointer]),
            ("rd_kafka_mock_clear_request_errors", None, [pointer, ctypes.c_int16]),
            ("rd_kafka_mock_topic_create", number, [pointer, text, number, number]),
            ("rd_kafka_mock_topic_set_error", None, [pointer, text, number]),
            ("rd_kafka_mock_partition_set_leader", number, [pointer, text, ctypes.c_int32, ctypes.c_int32]),
        ):
            function = getattr(self._library, name)
            function.restype, function.argtypes = answer, arguments

    def down(self, broker: str = "-1") -> None:
        """Refuse connections and cut those there are."""
        self._library.rd_kafka_mock_broker_set_down(self._cluster, int(broker))

    def up(self, broker: str = "-1") -> None:
        """Take connections again."""
        self._library.rd_kafka_mock_broker_set_up(self._cluster, int(broker))

    def rtt(self, milliseconds: str) -> None:
        """Answer later from now on."""
        self._library.rd_kafka_mock_broker_set_rtt(self._cluster, _ALL, int(milliseconds))

    def errors(self, api: str, code: str, count: str) -> None:
        """Answer the next requests of an API with an error; -195 cuts the connection instead."""
        codes = (ctypes.c_int * int(count))(*[int(code)] * int(count))
        self._library.rd_kafka_mock_push_request_errors_array(self._cluster, int(api), int(count), codes)

    def clear(self, api: str) -> None:
        """Forget the errors that wait for an API."""
        self._library.rd_kafka_mock_clear_request_errors(self._cluster, int(api))

    def topic(self, name: str, partitions: str) -> None:
        """Make a topic."""
        self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), int(partitions), 1)

    def refuse(self, name: str, code: str) -> None:
        """Answer metadata of a topic with an error."""
        self._library.rd_kafka_mock_topic_set_error(self._cluster, name.encode(), int(code))

    def leader(self, name: str, partition: str, broker: str) -> None:
        """Make a broker the leader of a partition."""
        self._library.rd_kafka_mock_partition_set_leader(
            self._cluster, name.encode(), int(partition), int(broker)
        )  # fmt: skip

    def close(self) -> None:
        """End the brokers."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._handle)


def main() -> None:
    """Run until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", type=int, default=1)
    parser.add_argument("--topic", action="append", default=[], metavar="NAME:PARTITIONS")
    options = parser.parse_args()
    cluster = MockCluster(options.brokers)
    for topic in options.topic:
        cluster.topic(*topic.rsplit(":", 1))
    commands: dict[str, Callable[..., None]] = {
        name: getattr(cluster, name) for name in ("down", "up", "rtt", "errors", "clear", "topic", "refuse", "leader")
    }
    print(cluster.bootstrap, flush=True)  # noqa: T201 - the first line of its output is its interface
    for line in sys.stdin:
        word, *values = line.split()
        commands[word](*values)
        print("ok", flush=True)  # noqa: T201 - as above
    cluster.close()


if __name__ == "__main__":
    main()
