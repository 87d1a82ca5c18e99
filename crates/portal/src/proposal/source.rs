//! The `.gitlab-ci.yml` that is there already.

use super::FILE;
use crate::access::{App, Authorized, may};
use crate::connection::Link;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{ForgeError, ForgeFile};
use slipway_domain::pipeline::source::check_source;
use slipway_domain::proposal::{ExistingFile, began_with_slipway, template_of};
use slipway_domain::text::{Locale, Text};
use std::borrow::Cow;

/// How many proposals are searched for the text of a file.
const PROPOSALS: i64 = 50;

/// What stands on a branch.
pub(crate) struct Found {
    /// Where the file is.
    pub(crate) path: &'static str,
    /// The branch.
    pub(crate) branch: String,
    /// The file; `None`: there is none.
    pub(crate) file: Option<ForgeFile>,
}

/// Reads the file on a branch.
pub(crate) async fn look_up(link: &Link, path: &'static str, branch: String) -> Result<Found, ForgeError> {
    let file = link.forge.file(link.project(), path, &branch).await?;
    Ok(Found { path, branch, file })
}

impl Found {
    /// The text; empty where there is no file.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        self.file
            .as_ref()
            .map_or(Cow::Borrowed(""), |file| String::from_utf8_lossy(&file.content))
    }

    /// Where it is not YAML: line, column, and what to do.
    pub(crate) fn broken(&self) -> Option<Text> {
        let (path, file) = (self.path, self.file.as_ref()?);
        let text = match std::str::from_utf8(&file.content) {
            Ok(text) => text,
            Err(error) => {
                let before = &file.content[..error.valid_up_to()];
                let line = before.split(|byte| *byte == b'\n').count();
                return Some(Text::new(
                    format!("Line {line} of {path} is not UTF-8. Save the file as UTF-8."),
                    format!("{path} 第 {line} 行不是 UTF-8 编码，请以 UTF-8 保存该文件。"),
                ));
            }
        };
        // An empty file says nothing and is replaced without a word.
        if text.trim().is_empty() {
            return None;
        }
        let error = check_source(text).err()?;
        Some(Text::new(
            format!("{path}: {}", error.message(Locale::En)),
            format!("{path}：{}", error.message(Locale::ZhCn)),
        ))
    }

    /// Whether it is, byte for byte, what Slipway once proposed.
    async fn is_slipways(&self, ctx: &OpCtx, app: &Authorized<App, may::See>) -> Result<bool> {
        let text = self.text();
        if text.trim().is_empty() {
            return Ok(true);
        }
        if !began_with_slipway(&text) {
            return Ok(false);
        }
        let proposals = ctx.read().await?.proposals(app, PROPOSALS).await?;
        Ok(proposals.iter().any(|proposal| proposal.content == text))
    }

    /// Whether it may be replaced without asking.
    ///
    /// # Errors
    /// [`Error::Refused`] `not_yaml` with line and column, or `not_slipways`.
    pub(super) async fn may_be_replaced(&self, ctx: &OpCtx, app: &Authorized<App, may::See>) -> Result<()> {
        if self.is_slipways(ctx, app).await? {
            return Ok(());
        }
        if let Some(broken) = self.broken() {
            return Err(Error::Refused {
                code: "not_yaml",
                text: Text::new(
                    format!(
                        "The repository's pipeline cannot be read. {} Mend it there, or replace it here.",
                        broken.en
                    ),
                    format!(
                        "无法读取仓库中的流水线。{}请在仓库中修正，或在此处替换。",
                        broken.zh
                    ),
                ),
            });
        }
        Err(Error::refused(
            "not_slipways",
            format!(
                "The repository has a {FILE} that Slipway did not make, or that was changed by hand. Look at the difference, then say that it may be replaced."
            ),
            format!("仓库中已有 {FILE}，它不是由 Slipway 生成，或已被手工修改。请查看差异，并确认可以替换。"),
        ))
    }
}

/// What the page tells of the file.
pub(super) async fn existing(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    found: &Found,
) -> Result<Option<ExistingFile>> {
    if found.file.is_none() {
        return Ok(None);
    }
    Ok(Some(ExistingFile {
        by_slipway: found.is_slipways(ctx, app).await?,
        broken: found.broken(),
        template: template_of(&found.text()),
    }))
}
