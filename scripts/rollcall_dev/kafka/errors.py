"""What a caller is told when there is no broker."""


class KafkaStartError(RuntimeError):
    """Kafka could not be started; the message is one line for a person."""
