//! Templates that apps should not use any more, and their return.

use super::author::{after, known, too_long, write};
use super::{own, told_of};
use crate::access::{self, Anywhere, At, Authorized, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::TemplateRecord;
use slipway_domain::pipeline::template;
use slipway_domain::template::{Act, Notice, Owner, Standing};
use slipway_domain::text::Text;

/// The longest reason, in characters.
const LONGEST: usize = 2000;

/// What is said of a template that apps should not use any more.
#[derive(Clone, Debug, Default)]
pub struct Farewell {
    /// Why.
    pub why: String,
    /// The key of the template to use instead; empty: none.
    pub successor: String,
}

/// Tells apps to use another template: they are told, and may use it on.
///
/// # Errors
/// As [`save`]; it is not published; the successor is not one that can be used here.
pub async fn deprecate(ctx: &OpCtx, at: At<'_>, key: &str, farewell: &Farewell) -> Result<()> {
    settle(ctx, at, key, Act::Deprecate, Some(farewell)).await
}

/// Has no app begin to use a template any more. Pipelines made of it stay as they are, and what was typed into its form
/// is kept.
///
/// # Errors
/// As [`deprecate`].
pub async fn withdraw(ctx: &OpCtx, at: At<'_>, key: &str, farewell: &Farewell) -> Result<()> {
    settle(ctx, at, key, Act::Withdraw, Some(farewell)).await
}

/// Offers a deprecated or withdrawn template again.
///
/// # Errors
/// As [`save`]; it is neither.
pub async fn restore(ctx: &OpCtx, at: At<'_>, key: &str) -> Result<()> {
    settle(ctx, at, key, Act::Restore, None).await
}

async fn settle(ctx: &OpCtx, at: At<'_>, key: &str, act: Act, farewell: Option<&Farewell>) -> Result<()> {
    let place = access::publishing(ctx, at).await?;
    let see = access::anywhere(ctx, at).await?;
    let record = own(ctx, &place, &see, key).await?;
    let standing = after(record.standing, act)?;
    let notice = match farewell {
        None => None,
        Some(farewell) => Some(Notice {
            at: ctx.now(),
            by: ctx.user()?.name.clone(),
            why: said(farewell)?,
            successor: successor(ctx, &see, key, &farewell.successor).await?,
        }),
    };
    let action = match act {
        Act::Deprecate => "template.deprecate",
        Act::Withdraw => "template.withdraw",
        Act::Restore | Act::Publish => "template.restore",
    };
    let summary = notice.as_ref().map_or_else(
        || serde_json::json!({}),
        |notice| serde_json::json!({ "why": notice.why, "successor": notice.successor }),
    );
    let record = TemplateRecord {
        standing,
        notice,
        ..record
    };
    let mut change = ctx.change().await?;
    write(&mut change, &place, &record).await?;
    told_of(&mut change, &place, action, &record, summary).await?;
    change.commit().await
}

fn said(farewell: &Farewell) -> Result<String> {
    let why = farewell.why.trim();
    if why.chars().count() > LONGEST {
        return Err(Error::field("why", too_long()));
    }
    Ok(why.to_owned())
}

async fn successor(
    ctx: &OpCtx,
    see: &Authorized<Anywhere, may::See>,
    key: &str,
    wanted: &str,
) -> Result<Option<String>> {
    let wanted = wanted.trim();
    if wanted.is_empty() {
        return Ok(None);
    }
    let there = match Owner::of_key(wanted) {
        Owner::BuiltIn => template(wanted).is_some(),
        _ => match known(ctx, see, wanted).await {
            Ok((record, _)) => record.standing == Standing::Published,
            Err(Error::NotFound) => false,
            Err(error) => return Err(error),
        },
    };
    if !there || wanted == key {
        return Err(Error::field(
            "successor",
            Text::new(
                "choose a published template of this place, of its organization or of Slipway",
                "请选择本处、所属组织或 Slipway 内置的已发布模板",
            ),
        ));
    }
    Ok(Some(wanted.to_owned()))
}
