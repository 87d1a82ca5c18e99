//! Where files may lie outside of the database: in a bucket of an object storage.

use super::StoreResult;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use std::sync::Arc;

/// Why an object storage did not do what it was asked. Holds no key, no address and no signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShelfError {
    /// No connection, or it was lost.
    #[error("it does not answer: {0}")]
    Unreachable(String),
    /// It answers too slowly.
    #[error("it does not answer in time")]
    TimedOut,
    /// It refuses the access key, the signature, or what was asked; with its own code.
    #[error("it refuses the access ({0})")]
    Denied(String),
    /// There is no such bucket.
    #[error("it has no such bucket")]
    NoBucket,
    /// There is no such object.
    #[error("it has no such object")]
    NoObject,
    /// The bucket is reached elsewhere, as storage says it that sends on to another region.
    #[error("it keeps this bucket elsewhere ({0})")]
    Elsewhere(String),
    /// It answers with another status than it should.
    #[error("it answers {status} ({code})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its own code, as in `InternalError`.
        code: String,
    },
    /// What it sends is not as long as what was given to it, in bytes.
    #[error("it has {found} bytes of {wanted}")]
    Length {
        /// As long as it should be.
        wanted: i64,
        /// As long as it is.
        found: i64,
    },
}

impl ShelfError {
    /// What happened and what to do, for people who attach or read a file.
    pub fn text(&self) -> Text {
        match self {
            Self::NoObject | Self::Length { .. } => Text::new(
                format!(
                    "The file is not whole in the object storage any more: {self}. Tell who runs this Slipway, who can restore it from a backup of the bucket."
                ),
                format!("对象存储中的文件已不完整：{self}。请告知管理员，可从存储桶备份中恢复。"),
            ),
            other => Text::new(
                format!(
                    "The object storage that keeps files does not take part: {other}. Nothing was changed. Try again; if it stays, tell who runs this Slipway, who can run `slipway check-config`."
                ),
                format!(
                    "保存附件的对象存储不可用：{other}。没有任何更改。请重试；如仍失败，请告知管理员运行 `slipway check-config`。"
                ),
            ),
        }
    }
}

/// An object that is read.
pub struct Held {
    /// Its length in bytes, where the storage says it.
    pub size: Option<u64>,
    /// Its bytes, read as they are asked for.
    pub pieces: BoxStream<'static, Result<Bytes, ShelfError>>,
}

/// A bucket, or a part of one.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Puts an object there, over one of the same key.
    async fn put(&self, key: &str, content: Bytes) -> Result<(), ShelfError>;
    /// Reads an object. [`ShelfError::NoObject`] where there is none.
    async fn get(&self, key: &str) -> Result<Held, ShelfError>;
    /// Takes an object away; done where there is none.
    async fn delete(&self, key: &str) -> Result<(), ShelfError>;
}

/// Where files lie.
#[derive(Clone, Default)]
pub struct Shelving {
    /// The bucket of the configuration.
    pub shelf: Option<Arc<dyn Shelf>>,
    /// Whether new files go there; otherwise into the database.
    pub takes_new: bool,
}

/// Objects that no file names: on their way in, or out.
#[async_trait]
pub trait ShelfTx: Send {
    /// Notes an object before it is sent.
    async fn object_arrives(&mut self, key: &str, now: Timestamp) -> StoreResult<()>;
    /// An object is named by a file from now on. `Gone` where it was given up meanwhile.
    async fn object_arrived(&mut self, key: &str) -> StoreResult<()>;
    /// An object is to be taken away.
    async fn object_leaves(&mut self, key: &str, now: Timestamp) -> StoreResult<()>;
    /// Gives up what was to arrive before that instant, and lists up to `limit` objects that are to be taken away, the
    /// oldest first.
    async fn objects_leaving(&mut self, before: Timestamp, limit: i64) -> StoreResult<Vec<String>>;
    /// An object was taken away; done where nobody knows it.
    async fn object_left(&mut self, key: &str) -> StoreResult<()>;
}
