//! Signatures of images, as cosign makes them with a key: read from the files that a job keeps, and verified against the
//! keys that an environment trusts.
//!
//! Two forms are read. A Sigstore bundle (`cosign sign --bundle image.sigstore.json`) holds a DSSE envelope whose payload
//! is an in-toto statement with the digests as its subjects. Before it, `--output-signature image.sig` and
//! `--output-payload image.payload` left a signature over the words of simple signing. Certificates are not looked at: a
//! signature counts by its key alone.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use slipway_domain::release::Image;
use slipway_domain::signature::{Signature, SignedImage, Signer, payload_of, pem_body};
use slipway_domain::text::Text;

/// The largest file of a signature that is read, in bytes.
pub(crate) const LARGEST: usize = 64 * 1024;
/// The most signatures of a run that are read.
pub(crate) const MOST: usize = 20;
/// What simple signing calls a signature of an image.
const SIMPLE: &str = "cosign container image signature";
/// What a bundle's envelope holds.
const STATEMENT: &str = "application/vnd.in-toto+json";

/// The kinds of keys that cosign makes or takes.
fn algorithms() -> [&'static dyn VerificationAlgorithm; 4] {
    [
        &ECDSA_P256_SHA256_ASN1,
        &ECDSA_P384_SHA384_ASN1,
        &ED25519,
        &RSA_PKCS1_2048_8192_SHA256,
    ]
}

/// A public key that can verify.
struct Key {
    algorithm: &'static dyn VerificationAlgorithm,
    der: Vec<u8>,
}

impl Key {
    fn read(pem: &str) -> Option<Self> {
        let der = STANDARD.decode(pem_body(pem)?).ok()?;
        algorithms().into_iter().find_map(|algorithm| {
            UnparsedPublicKey::new(algorithm, &der).parse().ok()?;
            Some(Self {
                algorithm,
                der: der.clone(),
            })
        })
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.algorithm, &self.der)
            .verify(message, signature)
            .is_ok()
    }
}

/// Why a key cannot be trusted; `None`: it can.
pub(crate) fn wrong_key(signer: &Signer) -> Option<Text> {
    Key::read(&signer.key).is_none().then(|| {
        Text::new(
            format!(
                "“{}” is no public key that can be read. ECDSA on P-256 or P-384, Ed25519 and RSA from 2048 bits can, as `cosign public-key` prints them.",
                signer.name
            ),
            format!(
                "“{}”不是可读取的公钥。支持 ECDSA（P-256、P-384）、Ed25519 和 2048 位以上的 RSA，格式同 `cosign public-key` 的输出。",
                signer.name
            ),
        )
    })
}

/// Which key that counts signed each image.
pub(crate) fn signed<'a>(
    images: &'a [Image],
    signatures: &[Signature],
    signers: &'a [Signer],
) -> Vec<SignedImage<'a>> {
    if signers.is_empty() {
        return Vec::new();
    }
    let keys: Vec<(&str, Key)> = signers
        .iter()
        .filter_map(|signer| Some((signer.name.as_str(), Key::read(&signer.key)?)))
        .collect();
    let by = |image: &Image| {
        signatures
            .iter()
            .filter(|one| one.trouble.is_none() && one.digests.contains(&image.digest))
            .find_map(|one| {
                let message = STANDARD.decode(&one.message).ok()?;
                // What was signed is read again: what is kept beside it is for people.
                if !digests_of(&message)?.contains(&image.digest) {
                    return None;
                }
                let signature = STANDARD.decode(&one.signature).ok()?;
                let key = keys.iter().find(|(_, key)| key.verifies(&message, &signature))?;
                Some(key.0)
            })
    };
    images
        .iter()
        .map(|image| SignedImage { image, by: by(image) })
        .collect()
}

/// The signatures in a file of a job. `payload`: the signed words of a plain signature.
pub(crate) fn read(job: &str, file: &str, text: &[u8], payload: Option<&[u8]>) -> Vec<Signature> {
    let one = |message: &[u8], signature: &str, trouble: Option<Text>| {
        let digests = digests_of(message);
        let unnamed = || Text::new("it does not say which image it signs", "未说明所签名的镜像");
        Signature {
            job: job.to_owned(),
            file: file.to_owned(),
            trouble: trouble.or_else(|| digests.is_none().then(unnamed)),
            digests: digests.unwrap_or_default(),
            message: STANDARD.encode(message),
            signature: signature.to_owned(),
        }
    };
    let unread = |en: &str, zh: &str| vec![one(b"", "", Some(Text::new(en, zh)))];
    if payload_of(file).is_some() {
        let Some(payload) = payload else {
            return unread(
                "the words that were signed are missing: keep the .payload file beside it",
                "缺少被签名的内容：请同时保留 .payload 文件",
            );
        };
        let signature: String = String::from_utf8_lossy(text).split_whitespace().collect();
        return vec![one(payload, &signature, None)];
    }
    let Some(bundle) = serde_json::from_slice::<Value>(text).ok() else {
        return unread("it is no JSON", "不是 JSON");
    };
    let envelope = &bundle["dsseEnvelope"];
    let words = |value: &Value| STANDARD.decode(value.as_str()?).ok();
    let (Some(kind), Some(body), Some(signatures)) = (
        envelope["payloadType"].as_str(),
        words(&envelope["payload"]),
        envelope["signatures"].as_array(),
    ) else {
        return unread(
            "it has no envelope: a bundle of `cosign sign` has one",
            "其中没有签名封装，`cosign sign` 生成的文件才有",
        );
    };
    let message = authenticated(kind, &body);
    signatures
        .iter()
        .take(MOST)
        .map(|each| one(&message, each["sig"].as_str().unwrap_or_default(), None))
        .collect()
}

/// What a DSSE envelope signs: its kind and payload with their lengths.
fn authenticated(kind: &str, body: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), body.len()).into_bytes();
    message.extend_from_slice(body);
    message
}

/// The kind and payload of an envelope's signed words; `None`: they are none.
fn opened(message: &[u8]) -> Option<(&str, &[u8])> {
    let number = |rest: &'_ [u8]| -> Option<(usize, usize)> {
        let digits = rest.iter().position(|byte| *byte == b' ')?;
        Some((
            std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?,
            digits + 1,
        ))
    };
    let rest = message.strip_prefix(b"DSSEv1 ")?;
    let (length, at) = number(rest)?;
    let kind = std::str::from_utf8(rest.get(at..at.checked_add(length)?)?).ok()?;
    let rest = rest.get(at + length..)?.strip_prefix(b" ")?;
    let (length, at) = number(rest)?;
    let body = rest.get(at..)?;
    (body.len() == length).then_some((kind, body))
}

/// The digests that signed words name, of images; `None`: they are not about images.
fn digests_of(message: &[u8]) -> Option<Vec<String>> {
    let digests: Vec<String> = match opened(message) {
        Some((STATEMENT, body)) => {
            let statement: Value = serde_json::from_slice(body).ok()?;
            let subjects = statement["subject"].as_array()?.iter();
            let digest = |subject: &Value| Some(format!("sha256:{}", subject["digest"]["sha256"].as_str()?));
            subjects.filter_map(digest).collect()
        }
        Some(_) => return None,
        None => {
            let critical = &serde_json::from_slice::<Value>(message).ok()?["critical"];
            if critical["type"].as_str() != Some(SIMPLE) {
                return None;
            }
            vec![critical["image"]["docker-manifest-digest"].as_str()?.to_owned()]
        }
    };
    let all_good = !digests.is_empty() && digests.iter().all(|digest| Image::is_digest(digest));
    all_good.then_some(digests)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

    fn image(n: u8) -> Image {
        Image {
            repository: String::from("registry.example.com/acme/shop"),
            digest: format!("sha256:{}", format!("{n:02x}").repeat(32)),
        }
    }

    fn pem(der: &[u8]) -> String {
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(der)
        )
    }

    fn signer(name: &str, key: &EcdsaKeyPair) -> Signer {
        let der: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        Signer {
            name: name.to_owned(),
            key: pem(der.as_ref()),
        }
    }

    fn key() -> EcdsaKeyPair {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()
    }

    fn sign(key: &EcdsaKeyPair, message: &[u8]) -> String {
        STANDARD.encode(key.sign(&SystemRandom::new(), message).unwrap().as_ref())
    }

    fn simple(image: &Image) -> String {
        format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"{}"}},"image":{{"docker-manifest-digest":"{}"}},"type":"{SIMPLE}"}},"optional":null}}"#,
            image.repository, image.digest
        )
    }

    fn bundle(key: &EcdsaKeyPair, image: &Image) -> String {
        let hex = image.digest.strip_prefix("sha256:").unwrap();
        let statement = serde_json::json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "digest": { "sha256": hex } }],
            "predicateType": "https://sigstore.dev/cosign/sign/v1",
            "predicate": {}
        });
        let body = statement.to_string();
        let message = format!("DSSEv1 {} {STATEMENT} {} {body}", STATEMENT.len(), body.len());
        serde_json::json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "publicKey": { "hint": "x" } },
            "dsseEnvelope": {
                "payload": STANDARD.encode(&body), "payloadType": STATEMENT,
                "signatures": [{ "sig": sign(key, message.as_bytes()) }]
            }
        })
        .to_string()
    }

    fn by<'a>(images: &'a [Image], signatures: &[Signature], signers: &'a [Signer]) -> Vec<Option<&'a str>> {
        signed(images, signatures, signers)
            .into_iter()
            .map(|one| one.by)
            .collect()
    }

    #[test]
    fn both_forms_are_verified_by_the_keys_that_count() {
        let (ours, theirs) = (key(), key());
        let images = [image(1), image(2)];
        let payload = simple(&images[0]);
        let plain = sign(&ours, payload.as_bytes()) + "\n";
        let mut all = read("sign", "image.sig", plain.as_bytes(), Some(payload.as_bytes()));
        all.extend(read(
            "sign",
            "image.sigstore.json",
            bundle(&theirs, &images[1]).as_bytes(),
            None,
        ));
        assert!(all.iter().all(|one| one.trouble.is_none()), "{all:?}");
        assert_eq!(all[1].digests, [images[1].digest.clone()]);
        let signers = [signer("ours", &ours), signer("theirs", &theirs)];
        assert_eq!(by(&images, &all, &signers), [Some("ours"), Some("theirs")]);
        assert_eq!(by(&images, &all, &signers[..1]), [Some("ours"), None]);
        assert_eq!(by(&images, &[], &signers), [None, None]);
        assert!(signed(&images, &all, &[]).is_empty(), "nobody asks");
    }

    #[test]
    fn a_signature_of_something_else_is_none() {
        let ours = key();
        let images = [image(1)];
        let signers = [signer("ours", &ours)];
        let payload = simple(&image(2));
        let of_another = read(
            "sign",
            "image.sig",
            sign(&ours, payload.as_bytes()).as_bytes(),
            Some(payload.as_bytes()),
        );
        assert_eq!(by(&images, &of_another, &signers), [None]);
        // The words beside it say what they like.
        let renamed = [Signature {
            digests: vec![images[0].digest.clone()],
            ..of_another[0].clone()
        }];
        assert_eq!(by(&images, &renamed, &signers), [None]);
        // The payload was changed after it was signed.
        let changed = simple(&images[0]);
        let forged = read(
            "sign",
            "image.sig",
            sign(&ours, payload.as_bytes()).as_bytes(),
            Some(changed.as_bytes()),
        );
        assert_eq!(by(&images, &forged, &signers), [None]);
        // A statement that is signed as plain words is no statement, nor the other way round.
        let other = payload.replace(SIMPLE, "atomic container signature");
        let kind = read(
            "sign",
            "a.sig",
            sign(&ours, other.as_bytes()).as_bytes(),
            Some(other.as_bytes()),
        );
        assert!(kind[0].trouble.is_some());
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let why = |file: &str, text: &[u8], payload: Option<&[u8]>| {
            let all = read("sign", file, text, payload);
            all[0].trouble.clone().expect("trouble").en
        };
        assert!(why("a.sig", b"x", None).contains(".payload"));
        assert!(why("a.sig", b"x", Some(b"not json")).contains("which image"));
        assert!(why("a.sigstore.json", b"{", None).contains("no JSON"));
        assert!(why("a.sigstore.json", b"{\"messageSignature\":{}}", None).contains("envelope"));
    }

    #[test]
    fn keys_of_the_usual_kinds_are_read_and_others_refused() {
        let edwards = Ed25519KeyPair::generate().unwrap();
        let der: PublicKeyX509Der<'_> = edwards.public_key().as_der().unwrap();
        let edwards = Signer {
            name: String::from("e"),
            key: pem(der.as_ref()),
        };
        assert_eq!(wrong_key(&edwards), None);
        assert_eq!(wrong_key(&signer("p", &key())), None);
        let broken = Signer {
            name: String::from("b"),
            key: pem(b"nothing of a key"),
        };
        assert!(wrong_key(&broken).is_some_and(|text| text.en.contains("“b”")));
    }
}
