//! Operators: who may see and change what concerns every organization. It is a flag of the account, no role: by it
//! nobody may do anything in an organization.
//!
//! For everybody else nothing of it is there.

use super::may::{Modify, See};
use super::{Authorized, Server};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::session;
use slipway_domain::token::Scope;

/// Whether the actor is an operator in this very request: a token is one only where it says so.
///
/// # Errors
/// The database does not answer.
pub async fn is_operator(ctx: &OpCtx) -> Result<bool> {
    let Ok(person) = ctx.user() else {
        return Ok(ctx.is_system());
    };
    if ctx.needs_scope(Scope::Operate).is_err() {
        return Ok(false);
    }
    Ok(ctx.read().await?.is_operator(person.id).await?)
}

/// The server, for its operators to look at.
///
/// # Errors
/// [`Error::Unauthenticated`]; [`Error::NotFound`] for everybody else; [`Error::Scope`] for an operator's token that
/// does not say that it acts as one.
pub async fn operator(ctx: &OpCtx) -> Result<Authorized<Server, See>> {
    if ctx.is_system() {
        return Ok(Authorized::new(()));
    }
    let person = ctx.user()?.id;
    if !ctx.read().await?.is_operator(person).await? {
        return Err(Error::NotFound);
    }
    ctx.needs_scope(Scope::Operate)?;
    Ok(Authorized::new(()))
}

/// The server, for its operators to change. A person confirms that it is them before; a token has its scope instead.
///
/// # Errors
/// As [`operator`]; [`Error::Refused`] `step_up`.
pub async fn operating(ctx: &OpCtx) -> Result<Authorized<Server, Modify>> {
    operator(ctx).await?;
    if ctx.token().is_none() {
        session::proved(ctx)?;
    }
    Ok(Authorized::new(()))
}
