//! `[attachments]`: where the files of work items lie.

use super::{Problem, Secret, from_folder};
use serde::Deserialize;
use slipway_portal::ports::Shelving;
use slipway_shelf::{Place, S3Shelf};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// `[attachments]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Attachments {
    /// Where new files go: `database`, or `s3`. Files stay where they are when this changes; those in a bucket are read
    /// as long as the bucket is named here.
    pub store: String,
    /// The endpoint of the S3-compatible storage, as in `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// Its region, as signatures name it.
    pub region: String,
    /// The bucket, which must be there.
    pub bucket: String,
    /// What stands before every key in the bucket, as in `slipway/`.
    pub prefix: String,
    /// Whether the bucket is a part of the path, not of the host: for storage without a name for each bucket.
    pub path_style: bool,
    /// The id of the access key.
    pub access_key: String,
    /// Its secret …
    pub secret_key: Option<Secret>,
    /// … or the file that holds it.
    pub secret_key_file: Option<PathBuf>,
}

impl Default for Attachments {
    fn default() -> Self {
        Self {
            store: String::from(DATABASE),
            endpoint: String::new(),
            region: String::from("us-east-1"),
            bucket: String::new(),
            prefix: String::new(),
            path_style: false,
            access_key: String::new(),
            secret_key: None,
            secret_key_file: None,
        }
    }
}

const DATABASE: &str = "database";
const S3: &str = "s3";

impl Attachments {
    /// Whether a bucket is named.
    pub fn names_a_bucket(&self) -> bool {
        !self.bucket.is_empty()
    }

    /// Where files lie.
    ///
    /// # Errors
    /// The secret's file cannot be read, or a value is wrong; says which.
    pub fn shelving(&self) -> Result<Shelving, String> {
        if !self.names_a_bucket() {
            return Ok(Shelving::default());
        }
        let place = Place {
            endpoint: self.url().ok_or("attachments.endpoint is not a URL")?,
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            prefix: self.whole_prefix(),
            path_style: self.path_style,
            access_key: self.access_key.clone(),
        };
        let bucket = S3Shelf::new(place, &self.secret()?)?;
        Ok(Shelving {
            shelf: Some(Arc::new(bucket)),
            takes_new: self.store == S3,
        })
    }

    /// Where the bucket is, for people.
    pub fn shown(&self) -> String {
        format!("{} at {}", self.bucket, self.endpoint)
    }

    fn secret(&self) -> Result<String, String> {
        match (&self.secret_key, &self.secret_key_file) {
            (Some(secret), _) => Ok(secret.expose().to_owned()),
            (None, Some(file)) => std::fs::read_to_string(file)
                .map(|text| text.trim().to_owned())
                .map_err(|error| format!("secret_key_file {} cannot be read: {error}", file.display())),
            (None, None) => Err(String::from("set secret_key or secret_key_file")),
        }
    }

    fn url(&self) -> Option<Url> {
        let url = Url::parse(&self.endpoint).ok()?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        plain.then_some(url)
    }

    fn whole_prefix(&self) -> String {
        match self.prefix.trim_end_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        }
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(file) = &mut self.secret_key_file {
            from_folder(folder, file);
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |key: &str, what: String| {
            problems.push(Problem::new(format!("attachments.{key}"), what));
        };
        if ![DATABASE, S3].contains(&self.store.as_str()) {
            add(
                "store",
                format!("`{}` is unknown; use database or s3", self.store),
            );
        }
        if !self.names_a_bucket() {
            if self.store == S3 {
                add(
                    "bucket",
                    String::from("is empty; name the bucket that files go to, or use store = \"database\""),
                );
            }
            return problems;
        }
        let letters = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if !(3..=63).contains(&self.bucket.len()) || !self.bucket.chars().all(letters) {
            add(
                "bucket",
                format!(
                    "`{}` is no name of a bucket: 3 to 63 letters, digits, dots and hyphens",
                    self.bucket
                ),
            );
        }
        if self.url().is_none() {
            add(
                "endpoint",
                format!(
                    "`{}` is not a URL; write for example https://s3.eu-central-1.amazonaws.com, without the bucket",
                    self.endpoint
                ),
            );
        }
        if self.region.trim().is_empty() {
            add(
                "region",
                String::from("is empty; most storage of one's own takes us-east-1"),
            );
        }
        let parts = self.prefix.trim_end_matches('/').split('/');
        let led_away = !self.prefix.is_empty()
            && parts
                .clone()
                .any(|part| part.is_empty() || part == "." || part == "..");
        if led_away || !self.prefix.chars().all(|c| letters(c) || c == '/') {
            add(
                "prefix",
                format!(
                    "`{}` is no prefix; write names with slashes between them, as in slipway/files",
                    self.prefix
                ),
            );
        }
        if self.access_key.trim().is_empty() {
            add(
                "access_key",
                String::from("is empty; make an access key that may put, get and delete in the bucket"),
            );
        }
        if usize::from(self.secret_key.is_some()) + usize::from(self.secret_key_file.is_some()) != 1 {
            add(
                "secret_key",
                String::from("set exactly one of secret_key and secret_key_file"),
            );
        }
        problems
    }
}
