//! Signatures of images: whose count in an environment, and what jobs left. They are read and verified where there is
//! cryptography, in `portal::signature`.

use crate::release::Image;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// The most keys that an environment has.
pub const MOST_SIGNERS: usize = 10;
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// A key whose signatures count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// Whose it is, for people.
    pub name: String,
    /// The public key: PEM of an X.509 `SubjectPublicKeyInfo`, as `cosign public-key` prints it.
    pub key: String,
}

/// What a job left of a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The job.
    pub job: String,
    /// The file that it kept.
    pub file: String,
    /// The digests of the images that are signed, as the signed words say; each as in `sha256:…`.
    pub digests: Vec<String>,
    /// The bytes that were signed, in Base64.
    pub message: String,
    /// The signature, in Base64.
    pub signature: String,
    /// Why it cannot be read.
    pub trouble: Option<Text>,
}

/// Whether an image is signed by a key that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedImage<'a> {
    /// The image.
    pub image: &'a Image,
    /// The name of the key; `None`: no signature of it is one of these keys'.
    pub by: Option<&'a str>,
}

/// Keys as people write them: each a name on a line of its own, then its PEM.
pub fn keys_text(signers: &[Signer]) -> String {
    let one = |signer: &Signer| format!("{}\n{}", signer.name, signer.key.trim());
    signers.iter().map(one).collect::<Vec<_>>().join("\n\n")
}

/// Reads what [`keys_text`] writes. A key is not looked into.
///
/// # Errors
/// What is wrong and at which key, in both languages.
pub fn parse_keys(text: &str) -> Result<Vec<Signer>, Text> {
    let mut signers = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let n = signers.len() + 1;
        let Some((before, after)) = rest.split_once(BEGIN) else {
            return Err(Text::new(
                format!(
                    "key {n}: after its name comes a line {BEGIN}; paste the whole public key, not a private one or a certificate"
                ),
                format!("第 {n} 个密钥：名称之后须有 {BEGIN} 一行；请粘贴完整的公钥，而不是私钥或证书"),
            ));
        };
        let Some((body, next)) = after.split_once(END) else {
            return Err(Text::new(
                format!("key {n} is cut off: its last line is {END}"),
                format!("第 {n} 个密钥不完整：最后一行应为 {END}"),
            ));
        };
        let name = before.trim();
        if name.is_empty() || name.contains('\n') {
            return Err(Text::new(
                format!("key {n}: write one line with its name above it"),
                format!("第 {n} 个密钥：请在密钥上方用一行填写名称"),
            ));
        }
        let lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
        let body = lines.collect::<Vec<_>>().join("\n");
        signers.push(Signer {
            name: name.to_owned(),
            key: format!("{BEGIN}\n{body}\n{END}\n"),
        });
        rest = next.trim();
    }
    Ok(signers)
}

/// The Base64 between the lines of a public key in PEM, without spaces; `None`: it is no such thing.
pub fn pem_body(key: &str) -> Option<String> {
    let body = key.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let body: String = body.split_whitespace().collect();
    (!body.is_empty()).then_some(body)
}

/// Whether a file that a job kept is a signature, by its name: a bundle of Sigstore's (`image.sigstore.json`), or a plain
/// signature (`image.sig`) whose signed words stand beside it in [`payload_of`].
pub fn is_signature(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name
        .strip_suffix(".sigstore.json")
        .or_else(|| name.strip_suffix(".sig"));
    stem.is_some_and(|stem| !stem.is_empty())
}

/// The file with the signed words of a plain signature, as in `image.payload`; `None`: a bundle has them in it.
pub fn payload_of(path: &str) -> Option<String> {
    Some(format!("{}.payload", path.strip_suffix(".sig")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYH\nabc=\n-----END PUBLIC KEY-----";

    #[test]
    fn keys_are_read_as_they_are_written() {
        let text = format!("release team\r\n{}\r\n\r\n\n二\n{KEY}", KEY.replace('\n', "\r\n"));
        let signers = parse_keys(&text).unwrap();
        assert_eq!(
            signers.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
            ["release team", "二"]
        );
        assert_eq!(pem_body(&signers[0].key).as_deref(), Some("MFkwEwYHabc="));
        assert_eq!(parse_keys(&keys_text(&signers)).unwrap(), signers);
        assert_eq!(parse_keys("  \n").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_says_at_which_key() {
        for (text, words) in [
            ("only a name", "key 1: after its name"),
            (KEY, "key 1: write one line"),
            (
                "a\nb\n-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----",
                "key 1: write one line",
            ),
            ("a\n-----BEGIN PUBLIC KEY-----\nx", "key 1 is cut off"),
        ] {
            let refused = parse_keys(text).unwrap_err();
            assert!(refused.en.contains(words), "{text}: {}", refused.en);
        }
        let second = parse_keys(&format!("a\n{KEY}\nb")).unwrap_err();
        assert!(second.en.starts_with("key 2"), "{}", second.en);
    }

    #[test]
    fn a_signature_is_known_by_its_name() {
        for path in ["image.sigstore.json", "out/image.sig"] {
            assert!(is_signature(path), "{path}");
        }
        for path in ["image.payload", ".sig", "signature", "sigstore.json"] {
            assert!(!is_signature(path), "{path}");
        }
        assert_eq!(payload_of("out/image.sig").as_deref(), Some("out/image.payload"));
        assert_eq!(payload_of("image.sigstore.json"), None);
    }
}
