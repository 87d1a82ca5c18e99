//! Groups and their projects, one page at a time, as GitLab pages them: `X-Next-Page` says whether there are more.

use crate::answer::{self, each, must};
use crate::client::Client;
use http::{HeaderMap, Request, header};
use serde_json::Value;
use slipway_portal::ports::{ForgeError, ForgeGroup, ForgePage, ForgeProject, GroupFilter};

/// The most entries that GitLab gives a page.
const MOST: usize = 100;

/// The groups that the token is in, by name: of an administrator's token every group.
pub async fn list(
    client: &Client,
    search: Option<&str>,
    page: u32,
) -> Result<ForgePage<ForgeGroup>, ForgeError> {
    let mut query = vec![("order_by", "name"), ("sort", "asc")];
    query.extend(search.map(|words| ("search", words)));
    let (items, more) = paged(client, "groups", &query, page).await?;
    Ok(ForgePage {
        items: each(&items, "group", answer::group),
        more,
    })
}

/// One group.
pub async fn show(client: &Client, group: i64) -> Result<ForgeGroup, ForgeError> {
    let path = format!("groups/{}", number(group)?);
    let (value, _) = get(client, &path, &[("with_projects", "false")]).await?;
    must(answer::group(&value), "group")
}

/// The projects of a group, by path; those that are only shared with it are left out.
pub async fn projects(
    client: &Client,
    group: i64,
    filter: &GroupFilter,
    page: u32,
) -> Result<ForgePage<ForgeProject>, ForgeError> {
    let path = format!("groups/{}/projects", number(group)?);
    let subgroups = if filter.subgroups { "true" } else { "false" };
    let mut query = vec![
        ("include_subgroups", subgroups),
        ("with_shared", "false"),
        ("order_by", "path"),
        ("sort", "asc"),
    ];
    query.extend(filter.search.as_deref().map(|words| ("search", words)));
    let (items, more) = paged(client, &path, &query, page).await?;
    Ok(ForgePage {
        items: each(&items, "project", answer::project),
        more,
    })
}

/// GitLab's ids are positive.
fn number(group: i64) -> Result<u64, ForgeError> {
    u64::try_from(group).map_err(|_| ForgeError::NotFound(format!("number {group}")))
}

/// One page of a list, and whether there is another one behind it.
pub async fn paged(
    client: &Client,
    path: &str,
    query: &[(&str, &str)],
    page: u32,
) -> Result<(Vec<Value>, bool), ForgeError> {
    let (page, per_page) = (page.max(1).to_string(), MOST.to_string());
    let mut query = query.to_vec();
    query.extend([("page", page.as_str()), ("per_page", per_page.as_str())]);
    let (value, headers) = get(client, path, &query).await?;
    let Value::Array(items) = value else {
        return Err(ForgeError::Broken(String::from("the answer is no list")));
    };
    Ok((items, more_behind(&headers)))
}

async fn get(client: &Client, path: &str, query: &[(&str, &str)]) -> Result<(Value, HeaderMap), ForgeError> {
    let mut url = client.address(path)?;
    url.query_pairs_mut().extend_pairs(query);
    let request = Request::builder().method("GET").uri(url.as_str());
    let response = client.send(request, Vec::new(), &[]).await?;
    let (parts, body) = response.into_parts();
    let value = serde_json::from_slice(&body)
        .map_err(|_| ForgeError::Broken(String::from("an answer that is not JSON")))?;
    Ok((value, parts.headers))
}

/// Whether there is a page behind the one of those headers. Some proxies take `X-*` away; then `Link` says it.
fn more_behind(headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match said("x-next-page") {
        Some(next) => !next.trim().is_empty(),
        None => said(header::LINK.as_str()).is_some_and(|links| links.contains("rel=\"next\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn more(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        more_behind(&headers)
    }

    #[test]
    fn the_headers_say_whether_there_are_more() {
        assert!(more(&[("x-next-page", "2")]));
        assert!(!more(&[("x-next-page", "")]), "the last page");
        assert!(!more(&[("x-next-page", ""), ("link", "<x>; rel=\"next\"")]));
        assert!(more(&[(
            "link",
            "<x?page=1>; rel=\"first\", <x?page=2>; rel=\"next\""
        )]));
        assert!(!more(&[("link", "<x?page=1>; rel=\"first\"")]));
        assert!(!more(&[]));
    }
}
