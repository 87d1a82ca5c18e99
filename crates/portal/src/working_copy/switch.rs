//! Which of the two files is edited: GitLab's own, or Slipway's beside it.

use super::{commit_of, fresh, open, standing, unreadable, write};
use crate::access::{self, may};
use crate::connection;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use slipway_domain::pipeline::file::side::{ROOT_FILE, SIDE_FILE, begin, path_of};
use slipway_domain::working_copy::WorkingCopy;

/// A file that can be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// `.gitlab-ci.yml`.
    Root,
    /// `.gitlab/slipway.yml`, which the other includes.
    Side,
}

impl File {
    /// Its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Root => ROOT_FILE,
            Self::Side => SIDE_FILE,
        }
    }
}

/// Goes over to the other file, for everybody who edits the app's pipeline. Where Slipway's own is not there yet, it is
/// begun; it comes into the repository, and the other gets its `include`, when its first job is proposed.
///
/// # Errors
/// As [`access::app`]; `working_copy_is_there`: the file of now has changes that nobody has proposed;
/// [`Error::Unavailable`]: GitLab does not answer.
pub async fn switch(ctx: &OpCtx, org: &str, project: &str, app: &str, to: File) -> Result<()> {
    let app_of = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    let view = open(ctx, org, project, app).await?;
    if path_of(&view.copy.text) == to.path() {
        return Ok(());
    }
    let is_begun = view.copy.base_commit.is_none() && view.copy.text == begin();
    if view.copy.is_changed() && !is_begun {
        let path = path_of(&view.copy.text);
        return Err(Error::conflict(
            "working_copy_is_there",
            format!("{path} has changes that nobody has proposed. Propose or discard them first."),
            format!("{path} 有尚未提交的修改，请先提交或放弃。"),
        ));
    }
    let link = connection::link(ctx, &app_of).await?;
    let found = link
        .asked(ctx, standing(&link, to.path()).await)
        .await?
        .ok_or_else(connection::empty_repository)?;
    if let Some(text) = unreadable(&found) {
        let code = "unreadable";
        return Err(Error::Refused { code, text });
    }
    let mut copy = WorkingCopy {
        version: view.copy.version,
        ..fresh(&found)
    };
    if to == File::Side && commit_of(&found).is_none() {
        copy.text = begin();
    }
    write(ctx, &app_of, copy).await.map(drop)
}
