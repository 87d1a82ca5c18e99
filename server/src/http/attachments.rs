//! Files that a form sends: in parts, with or without a script. That is no server function, since its forms have no files.

use super::visit::Visit;
use super::{Edge, flash, problem};
use axum::Extension;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use slipway_app::Flash;
use slipway_app::board::file::UPLOAD;
use slipway_app::intake::UPLOAD as TAKE;
use slipway_domain::intake::Source;
use slipway_domain::item::ATTACHMENT_MAX;
use slipway_domain::text::Text;
use slipway_portal::{Error, attachment, intake};

/// The largest body with a file, in bytes: the file, and what stands around it.
pub const UPLOAD_MAX: usize = ATTACHMENT_MAX + 64 * 1024;

/// Whether a path takes files.
pub fn is_upload(path: &str) -> bool {
    path == UPLOAD
        || path == TAKE
        || (path.starts_with("/api/v1/")
            && ["/attachments", "/item-imports"]
                .iter()
                .any(|end| path.ends_with(end)))
}

/// The limit of routes that take files.
pub fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(UPLOAD_MAX)
}

#[derive(Default)]
struct Sent {
    org: String,
    project: String,
    number: i64,
    source: String,
    name: String,
    content: Vec<u8>,
}

/// Attaches a file and leads back to its item.
pub async fn upload(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    parts: Multipart,
) -> Response {
    let mut sent = Sent::default();
    let read = read(parts, &mut sent).await;
    let page = format!(
        "{}/items/{}",
        slipway_app::places::project(&sent.org, &sent.project),
        sent.number
    );
    let made = match read {
        Ok(()) => {
            let file = (sent.name.as_str(), sent.content.as_slice());
            attachment::add(&visit.ctx, &sent.org, &sent.project, sent.number, file).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(_) => Redirect::to(&page).into_response(),
        Err(error) if problem::wants_html(&headers) && sent.number > 0 => {
            let flash = Flash {
                form: UPLOAD.to_owned(),
                shown: None,
                error: flash::shown(&visit, &error),
                fields: Vec::new(),
            };
            flash::leave(&edge, &visit, flash, &page).await
        }
        Err(error) => problem::Refusal::of(&visit, error).into_response(),
    }
}

/// Begins an import of work items from a file and leads to its page.
pub async fn take(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    parts: Multipart,
) -> Response {
    let mut sent = Sent::default();
    let read = read(parts, &mut sent).await;
    let page = format!(
        "{}/items/import",
        slipway_app::places::project(&sent.org, &sent.project)
    );
    let begun = match read {
        Ok(()) => {
            let source = Source::from_key(&sent.source).unwrap_or(Source::Csv);
            let file = (sent.name.as_str(), sent.content.as_slice());
            intake::begin(&visit.ctx, &sent.org, &sent.project, source, file).await
        }
        Err(error) => Err(error),
    };
    match begun {
        Ok(id) => Redirect::to(&format!("{page}/{id}")).into_response(),
        Err(error) if problem::wants_html(&headers) && !sent.project.is_empty() => {
            let flash = Flash {
                form: TAKE.to_owned(),
                shown: None,
                error: flash::shown(&visit, &error),
                fields: Vec::new(),
            };
            flash::leave(&edge, &visit, flash, &page).await
        }
        Err(error) => problem::Refusal::of(&visit, error).into_response(),
    }
}

async fn read(mut parts: Multipart, sent: &mut Sent) -> Result<(), Error> {
    let cut = |_| {
        Error::field(
            "file",
            Text::new(
                "the file did not arrive whole, or is larger than 10 MiB",
                "文件未完整上传，或超过 10 MiB",
            ),
        )
    };
    while let Some(part) = parts.next_field().await.map_err(cut)? {
        let name = part.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "org" => sent.org = part.text().await.map_err(cut)?,
            "project" => sent.project = part.text().await.map_err(cut)?,
            "source" => sent.source = part.text().await.map_err(cut)?,
            "number" => sent.number = part.text().await.map_err(cut)?.parse().unwrap_or_default(),
            "file" => {
                part.file_name().unwrap_or_default().clone_into(&mut sent.name);
                sent.content = part.bytes().await.map_err(cut)?.to_vec();
            }
            _ => {}
        }
    }
    Ok(())
}
