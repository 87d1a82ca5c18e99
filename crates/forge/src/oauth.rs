//! GitLab as an OAuth 2 provider (RFC 6749, RFC 7636, RFC 7009): its page that asks, its tokens, taking them back.

use crate::answer::{int, text};
use crate::client::{below, elsewhere, message, out_of_bounds, refusal, unreachable, whole};
use http::{Method, StatusCode, header};
use serde_json::Value;
use slipway_guard::Guard;
use slipway_portal::ports::{AskingGrant, ForgeError, GrantError, OauthApplication, OauthTokens};
use url::Url;
use url::form_urlencoded::Serializer;

/// The largest answer, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Where a person is asked.
pub fn page(asking: &AskingGrant<'_>) -> Result<Url, ForgeError> {
    let mut url = below(asking.base_url, "oauth/authorize")?;
    url.query_pairs_mut()
        .append_pair("client_id", asking.application)
        .append_pair("redirect_uri", asking.redirect_uri)
        .append_pair("response_type", "code")
        .append_pair("scope", asking.scope)
        .append_pair("state", asking.state)
        .append_pair("code_challenge", asking.challenge)
        .append_pair("code_challenge_method", "S256");
    Ok(url)
}

/// Posts to an endpoint of OAuth at an address that somebody typed.
pub struct Endpoint<'a> {
    /// Kept in bounds by the guard.
    pub http: &'a reqwest::Client,
    /// Asked before anything is sent.
    pub guard: &'a Guard,
}

impl Endpoint<'_> {
    /// Tokens for a grant.
    pub async fn tokens(
        &self,
        application: &OauthApplication,
        grant: &[(&str, &str)],
    ) -> Result<OauthTokens, GrantError> {
        let answer = self.post(application, "oauth/token", grant).await?;
        let broken = || ForgeError::Broken(String::from("an answer without an access token"));
        Ok(OauthTokens {
            access: text(&answer, "access_token").ok_or_else(broken)?,
            refresh: text(&answer, "refresh_token"),
            lives: int(&answer, "expires_in").filter(|seconds| *seconds > 0),
        })
    }

    /// Takes a token back.
    pub async fn revoke(&self, application: &OauthApplication, token: &str) -> Result<(), GrantError> {
        let form = [("token", token), ("token_type_hint", "refresh_token")];
        self.post(application, "oauth/revoke", &form).await.map(drop)
    }

    /// The application stands in the body, as GitLab's own documentation has it.
    async fn post(
        &self,
        application: &OauthApplication,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Value, GrantError> {
        let url = below(&application.base_url, path)?;
        self.guard.literal(&url).map_err(out_of_bounds)?;
        let body = Serializer::new(String::new())
            .extend_pairs(form)
            .append_pair("client_id", &application.id)
            .append_pair("client_secret", &application.secret)
            .finish();
        let sent = self
            .http
            .post(url.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(body)
            .send()
            .await;
        let answer = sent.map_err(|error| unreachable(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if status.is_redirection() {
            // A secret is not sent elsewhere.
            let moved = elsewhere(&Method::POST, &url, status, &headers);
            return Err(moved.err().unwrap_or_else(|| unreadable(status)).into());
        }
        let body = whole(answer, LARGEST).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| unreadable(status).into());
        }
        Err(refused(status, &body).unwrap_or_else(|| refusal(status, &headers, &body).into()))
    }
}

fn unreadable(status: StatusCode) -> ForgeError {
    ForgeError::Broken(format!("HTTP {} that is no answer of OAuth", status.as_u16()))
}

/// What OAuth itself refuses, as RFC 6749, 5.2 names it.
fn refused(status: StatusCode, body: &[u8]) -> Option<GrantError> {
    let error = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|said| text(&said, "error"));
    match (error.as_deref(), status) {
        (Some("invalid_grant"), _) => Some(GrantError::Refused(message(status, body))),
        (Some("invalid_client" | "unauthorized_client"), _) | (_, StatusCode::UNAUTHORIZED) => {
            Some(GrantError::Application(message(status, body)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_asked_below_gitlab_s_own_address() {
        let asking = AskingGrant {
            base_url: "https://example.com/gitlab/",
            application: "a&b",
            redirect_uri: "https://slipway.example.com/connections/gitlab/callback",
            scope: "api",
            state: "s",
            challenge: "c",
        };
        assert_eq!(
            page(&asking).unwrap().as_str(),
            "https://example.com/gitlab/oauth/authorize?client_id=a%26b&redirect_uri=https%3A%2F%2Fslipway.example.com\
             %2Fconnections%2Fgitlab%2Fcallback&response_type=code&scope=api&state=s&code_challenge=c\
             &code_challenge_method=S256"
        );
        let nowhere = AskingGrant {
            base_url: "javascript:alert(1)",
            ..asking
        };
        assert!(matches!(page(&nowhere), Err(ForgeError::Unreachable(_))));
    }

    #[test]
    fn only_what_oauth_itself_refuses_is_said_of_the_grant() {
        let said = |status: u16, body: &str| refused(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert!(matches!(
            said(400, r#"{"error":"invalid_grant","error_description":"used"}"#),
            Some(GrantError::Refused(why)) if why == "used"
        ));
        assert!(matches!(
            said(401, r#"{"error":"invalid_client"}"#),
            Some(GrantError::Application(_))
        ));
        assert!(matches!(
            said(403, r#"{"error":"unauthorized_client"}"#),
            Some(GrantError::Application(_))
        ));
        assert!(matches!(said(401, "<html>"), Some(GrantError::Application(_))));
        for (status, body) in [
            (400, r#"{"error":"invalid_request"}"#),
            (403, "<html>"),
            (502, ""),
            (429, ""),
        ] {
            assert!(said(status, body).is_none(), "{status} {body}");
        }
    }
}
