//! Who asks: the session and the operation context of a request, made once and put into its extensions.

use super::observe::RequestId;
use super::session::{Device, Session};
use super::{Edge, cookie, problem};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use slipway_domain::text::Locale;
use slipway_portal::{Actor, Error, OpCtx, Via};
use std::net::{IpAddr, SocketAddr};

/// The cookie that holds the chosen language.
pub const LOCALE: &str = "slipway_locale";

/// The request's operation context and session.
#[derive(Clone)]
pub struct Visit {
    /// The context.
    pub ctx: OpCtx,
    /// The session, signed in or not.
    pub session: Option<Session>,
    /// Where the request comes from, for the lock on addresses.
    pub address: String,
    /// The program that asks, as it names itself.
    pub agent: String,
    /// Whether a person reads the answer.
    pub wants_html: bool,
}

impl Visit {
    /// What a session that begins now is begun from.
    pub fn device(&self) -> Device {
        Device {
            agent: self.agent.clone(),
            address: self.address.clone(),
        }
    }
}

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// What needs no session: never look one up for a file or a probe.
fn is_static(path: &str) -> bool {
    path.starts_with("/pkg/") || matches!(path, "/healthz" | "/readyz" | "/metrics" | "/favicon.svg")
}

/// Puts a [`Visit`] and its [`OpCtx`] into the request.
pub async fn identify(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    if is_static(request.uri().path()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match visit(&edge, &parts).await {
        Ok(visit) => {
            parts.extensions.insert(visit.ctx.clone());
            parts.extensions.insert(visit);
            next.run(Request::from_parts(parts, body)).await
        }
        Err((error, locale)) => {
            problem::answer(&error, locale, &parts.headers, &RequestId::of(&parts.extensions))
        }
    }
}

async fn visit(edge: &Edge, parts: &Parts) -> Result<Visit, (Error, Locale)> {
    let headers = &parts.headers;
    let asked = asked_locale(headers);
    // A token never goes together with a cookie: whoever sends one is judged by it alone.
    if let Some(sent) = headers.get(header::AUTHORIZATION)
        && parts.uri.path().starts_with("/api/")
    {
        return by_token(edge, parts, sent)
            .await
            .map_err(|error| (error, asked.unwrap_or_default()));
    }
    let session = edge
        .sessions
        .of(headers)
        .await
        .map_err(|error| (error, asked.unwrap_or_default()))?;
    let person = session.as_ref().and_then(Session::person);
    let locale = chosen_locale(headers)
        .or_else(|| person.and_then(|p| p.locale))
        .or(asked)
        .unwrap_or_default();
    let actor = person.map_or(Actor::Anonymous, |person| Actor::User(person.as_ref()));
    let via = if parts.uri.path().starts_with("/api/v1/") {
        Via::Api
    } else {
        Via::Web
    };
    let request_id = RequestId::of(&parts.extensions);
    let mut ctx = edge.portal.ctx(actor, via, &*request_id.0, locale);
    if let Some(session) = session.as_ref().filter(|session| session.person().is_some()) {
        ctx = ctx.in_session(session.acting());
    }
    Ok(Visit {
        ctx,
        session,
        address: address(edge.behind_proxy, parts),
        agent: agent(headers),
        wants_html: problem::wants_html(headers),
    })
}

/// The visit of a program. Tokens open the REST API and nothing else.
async fn by_token(edge: &Edge, parts: &Parts, sent: &HeaderValue) -> Result<Visit, Error> {
    let secret = sent
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim())
        .filter(|_| parts.uri.path().starts_with("/api/v1/"))
        .ok_or(Error::Unauthenticated)?;
    let (person, token) = slipway_portal::token::authenticate(&edge.portal, secret).await?;
    let locale = person
        .locale
        .or_else(|| asked_locale(&parts.headers))
        .unwrap_or_default();
    let request_id = RequestId::of(&parts.extensions);
    let ctx = edge
        .portal
        .ctx_by_token(person.as_ref(), token, &*request_id.0, locale);
    Ok(Visit {
        ctx,
        session: None,
        address: address(edge.behind_proxy, parts),
        agent: agent(&parts.headers),
        wants_html: problem::wants_html(&parts.headers),
    })
}

/// What the browser or program calls itself.
fn agent(headers: &HeaderMap) -> String {
    let said = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    said.unwrap_or_default().to_owned()
}

fn chosen_locale(headers: &HeaderMap) -> Option<Locale> {
    cookie::read(headers, LOCALE)
        .filter(|tag| !tag.is_empty())
        .map(Locale::from_tag)
}

/// The language that the browser asks for: the first of its list that there is.
fn asked_locale(headers: &HeaderMap) -> Option<Locale> {
    let list = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let tags = list.split(',').map(|part| {
        part.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    });
    tags.into_iter()
        .find(|tag| tag.starts_with("zh") || tag.starts_with("en"))
        .map(|tag| Locale::from_tag(&tag))
}

/// The client's address. Behind a proxy that is the last entry of `X-Forwarded-For`: the one that the
/// proxy itself wrote, which a client cannot forge.
fn address(behind_proxy: bool, parts: &Parts) -> String {
    let forwarded = || {
        let line = parts
            .headers
            .get_all("x-forwarded-for")
            .into_iter()
            .next_back()?
            .to_str()
            .ok()?;
        line.rsplit(',').next()?.trim().parse::<IpAddr>().ok()
    };
    let peer = || parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let found = if behind_proxy {
        forwarded().or_else(peer)
    } else {
        peer()
    };
    found.map_or_else(|| String::from("-"), |ip| ip.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn the_first_language_that_there_is_wins() {
        let asked = |value| asked_locale(&with(header::ACCEPT_LANGUAGE, value));
        assert_eq!(asked("fr-FR, zh-CN;q=0.9, en;q=0.8"), Some(Locale::ZhCn));
        assert_eq!(asked("en-US,zh;q=0.5"), Some(Locale::En));
        assert_eq!(asked("fr"), None);
        assert_eq!(
            chosen_locale(&with(header::COOKIE, "slipway_locale=zh-CN")),
            Some(Locale::ZhCn)
        );
    }

    #[test]
    fn a_client_cannot_choose_its_own_address() {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.extensions.insert(Peer("10.0.0.9:1".parse().unwrap()));
        parts
            .headers
            .insert("x-forwarded-for", HeaderValue::from_static("1.2.3.4, 10.1.1.1"));
        assert_eq!(address(false, &parts), "10.0.0.9");
        assert_eq!(address(true, &parts), "10.1.1.1");
    }
}
