"""A Kafka that asks for TLS and credentials, with an authority of its own."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from rollcall_dev.kafka import Broker, BrokerConfig, Listener, ports
from support.services import Environment

USER = "office"
PASSWORD = "correct horse, battery=staple"  # noqa: S105 - made up

Settings = dict[str, Any]
"""Settings of both services, by their names in lower case."""

_COMMON = "org.apache.kafka.common.security"
_SCRAM = {"SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256, "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512}


@dataclass(frozen=True)
class SecureKafka:
    """A running broker, and what it takes to be let in. Its one user may do anything; others must be allowed to.

    Attributes:
        broker: The broker; its plaintext port is open to all.
        admin: A client of that port.
        authority: Who has signed the certificates of its listeners, and whose clients it trusts.
        ca_file: The authority's certificate.
        sasl: The listener for SASL_SSL, with all mechanisms.
        brief: One like it, which ends each session after a second, as the client does not authenticate anew.
        clear: One for SASL_PLAINTEXT, with SCRAM.
        mutual: One for SSL, which asks clients for a certificate.
        misnamed: One for SSL, with a certificate for another host.
    """

    broker: Broker
    admin: AdminClient
    authority: trustme.CA
    ca_file: Path
    sasl: Listener
    brief: Listener
    clear: Listener
    mutual: Listener
    misnamed: Listener

    def environment(self, listener: Listener | None = None) -> Environment:
        """Give settings of services that share topics with nobody else, at a listener: else that for SASL."""
        return Environment((listener or self.sasl).bootstrap_servers, prefix=f"test-{uuid.uuid4().hex[:12]}.")

    def over_tls(self) -> Settings:
        """Give settings for TLS alone."""
        return {"security_protocol": "SSL", "ssl_ca_file": self.ca_file}

    def over_sasl(self, mechanism: str = "SCRAM-SHA-512") -> Settings:
        """Give settings for SASL over TLS, to which credentials are still to be added."""
        return {**self.over_tls(), "security_protocol": "SASL_SSL", "sasl_mechanism": mechanism}

    def set_password(self, name: str, password: str) -> None:
        """Give a user a password for SCRAM."""
        for mechanism in _SCRAM.values():
            change = UserScramCredentialUpsertion(name, ScramCredentialInfo(mechanism, 4096), password.encode())
            self.admin.alter_user_scram_credentials([change])[name].result()

    def allow(self, user_name: str, kind: ResourceType, name: str, operation: AclOperation) -> None:
        """Give a user a right."""
        right = (f"User:{user_name}", "*", operation, AclPermissionType.ALLOW)
        for created in self.admin.create_acls([AclBinding(kind, name, ResourcePatternType.LITERAL, *right)]).values():
            created.result()


def user(name: str = USER, password: str = PASSWORD) -> Settings:
    """Give settings for a user."""
    return {"sasl_username": name, "sasl_password": password}


@contextmanager
def secure_kafka(directory: Path) -> Iterator[SecureKafka]:
    """Run a broker."""
    authority = trustme.CA()
    ca_file = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    here, elsewhere = (_keystore(authority.issue_cert(name)) for name in ("localhost", "kafka.example"))
    scram = f"{_COMMON}.scram.ScramLoginModule required;"
    sasl = Listener(
        name="SECURE",
        protocol="SASL_SSL",
        properties={
            **here,
            "sasl.enabled.mechanisms": f"PLAIN,OAUTHBEARER,{','.join(_SCRAM)}",
            "plain.sasl.jaas.config": f'{_COMMON}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
            "scram-sha-256.sasl.jaas.config": scram,
            "scram-sha-512.sasl.jaas.config": scram,
            "oauthbearer.sasl.jaas.config": f"{_COMMON}.oauthbearer.OAuthBearerLoginModule required;",
        },
    )
    brief = replace(
        sasl, name="BRIEF", port=ports.choose(), properties={**sasl.properties, "connections.max.reauth.ms": "1000"}
    )
    clear = Listener(
        name="CLEAR",
        protocol="SASL_PLAINTEXT",
        properties={"sasl.enabled.mechanisms": "SCRAM-SHA-256", "scram-sha-256.sasl.jaas.config": scram},
    )
    trust = {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": authority.cert_pem.bytes().decode()}
    mutual = Listener(
        name="MUTUAL",
        protocol="SSL",
        properties={
            **here,
            **trust,
            "ssl.client.auth": "required",
            "ssl.principal.mapping.rules": f"RULE:^.*$/{USER}/",
        },
    )
    misnamed = Listener(name="MISNAMED", protocol="SSL", properties=elsewhere)
    config = BrokerConfig(
        listeners=(sasl, brief, clear, mutual, misnamed),
        properties={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:ANONYMOUS;User:{USER}",
        },
    )
    with Broker(config) as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
        kafka = SecureKafka(broker, admin, authority, ca_file, sasl, brief, clear, mutual, misnamed)
        kafka.set_password(USER, PASSWORD)
        yield kafka


def _keystore(issued: trustme.LeafCert) -> dict[str, str]:
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": "".join(blob.bytes().decode() for blob in issued.cert_chain_pems),
        "ssl.keystore.key": pem.decode(),
    }
