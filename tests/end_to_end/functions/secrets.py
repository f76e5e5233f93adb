"""Keys and tokens: libraries in Rust and C, made by cffi."""

REQUIREMENTS = ["cryptography==45.0.5", "pyjwt==2.10.1", "pynacl==1.5.0"]
EVENTS = [{"algorithm": "HS256"}, {"algorithm": "ES256"}, {"algorithm": "EdDSA"}]

import jwt
import nacl.secret
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec, ed25519


def handler(event, context):
    make = {"HS256": lambda: "k" * 32, "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate}  # fmt: skip
    key = make[event["algorithm"]]()
    token = jwt.encode({"who": "me"}, key, algorithm=event["algorithm"])
    public = key if isinstance(key, str) else key.public_key()
    fernet = Fernet(Fernet.generate_key())
    box = nacl.secret.SecretBox(bytes(32))
    return [jwt.decode(token, public, algorithms=[event["algorithm"]]), fernet.decrypt(fernet.encrypt(b"x")).decode(),
            box.decrypt(box.encrypt(b"y")).decode()]  # fmt: skip
