"""Writes an authority's certificate and one of this machine's, signed by it, with its key, and a pair
of a node's as ssh-keygen does: python certificates.py FOLDER"""

import datetime
import ipaddress
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

folder = Path(sys.argv[1])
DAY = datetime.timedelta(days=1)


def signed(name, key, by_name, by_key, *extensions):
    named = lambda name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(by_name)).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)
    for extension in extensions:
        made = made.add_extension(extension, critical=False)
    return made.sign(by_key, hashes.SHA256())


def write(name, certificate):
    (folder / name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])
write("authority.pem", signed("an authority", authority, "an authority", authority, x509.BasicConstraints(True, None)))
write("certificate.pem", signed("a SuperLink", own, "an authority", authority, here))


def secret(key, form):
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


(folder / "key.pem").write_bytes(secret(own, serialization.PrivateFormat.PKCS8))
node = ec.generate_private_key(ec.SECP384R1())
(folder / "first").write_bytes(secret(node, serialization.PrivateFormat.OpenSSH))
open_half = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
(folder / "first.pub").write_bytes(node.public_key().public_bytes(*open_half))
