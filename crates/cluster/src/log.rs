//! The end of a container's log.

use futures::stream::BoxStream;
use futures::{AsyncBufReadExt as _, AsyncReadExt as _, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};
use slipway_domain::pod::LogAsk;
use slipway_portal::ports::ClusterError;

use crate::refusal::{answer, translate};

/// Bytes that the cluster is asked for. It counts them from the first of the lines, so that this is far above what
/// is kept: cutting there would lose the end.
const READ: i64 = 1 << 20;
/// Bytes of the end that are kept.
const KEPT: usize = 64 << 10;

/// Lines that are given in one piece, at most.
const PIECE: usize = 500;

/// Which run of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// The one that is there.
    Current,
    /// The one before, which ended.
    Previous,
}

/// The last `lines` lines of a container's log, at most 64 KiB of them. Bytes that are not UTF-8 are replaced. A
/// previous run that is gone gives way to the current one; a container that never ran has an empty log.
pub async fn tail(
    pods: &Api<Pod>,
    pod: &str,
    container: &str,
    run: Run,
    lines: u32,
) -> Result<String, ClusterError> {
    let read = async |run| {
        read(pods, pod, container, run, lines)
            .await
            .map(|bytes| shown(&bytes))
    };
    match read(run).await {
        Err(ClusterError::Refused(_) | ClusterError::NotFound(_)) if run == Run::Previous => {
            match read(Run::Current).await {
                Err(ClusterError::Refused(_)) => Ok(String::new()),
                other => other,
            }
        }
        Err(ClusterError::Refused(_)) => Ok(String::new()),
        other => other,
    }
}

/// What a container says, from its last `lines` lines on: pieces of whole lines, until it ends.
pub async fn follow(
    pods: &Api<Pod>,
    ask: &LogAsk,
) -> Result<BoxStream<'static, Result<String, ClusterError>>, ClusterError> {
    let params = LogParams {
        container: Some(ask.container.clone()),
        previous: ask.previous,
        follow: true,
        tail_lines: Some(i64::from(ask.lines)),
        ..LogParams::default()
    };
    let lines = answer(pods.log_stream(&ask.pod, &params)).await?;
    // What is there is given in one piece, not line by line.
    let lines = Box::pin(lines).lines().ready_chunks(PIECE).map(|lines| {
        let mut text = String::new();
        for line in lines {
            let line = line.map_err(|error| translate(&kube::Error::ReadEvents(error)))?;
            text.push_str(&line.replace('\0', "\u{fffd}"));
            text.push('\n');
        }
        Ok(text)
    });
    Ok(lines.boxed())
}

async fn read(
    pods: &Api<Pod>,
    pod: &str,
    container: &str,
    run: Run,
    lines: u32,
) -> Result<Vec<u8>, ClusterError> {
    let params = LogParams {
        container: Some(container.to_owned()),
        previous: run == Run::Previous,
        tail_lines: Some(i64::from(lines)),
        limit_bytes: Some(READ),
        ..LogParams::default()
    };
    let bytes = async {
        let stream = pods.log_stream(pod, &params).await?;
        let mut bytes = Vec::new();
        // Not every server keeps to the limit.
        std::pin::pin!(stream)
            .take(READ.unsigned_abs())
            .read_to_end(&mut bytes)
            .await
            .map_err(kube::Error::ReadEvents)?;
        Ok(bytes)
    };
    answer(bytes).await
}

/// The last lines of a container's log, as they are asked for: at most [`READ`] bytes.
pub async fn page(pods: &Api<Pod>, ask: &LogAsk) -> Result<String, ClusterError> {
    let run = if ask.previous { Run::Previous } else { Run::Current };
    let bytes = read(pods, &ask.pod, &ask.container, run, ask.lines).await?;
    Ok(text(&bytes))
}

/// Bytes as text that databases and pages take.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}")
}

/// The end of a log as text, from the start of a line.
fn shown(bytes: &[u8]) -> String {
    let mut end = bytes;
    if bytes.len() > KEPT {
        end = &bytes[bytes.len() - KEPT..];
        if let Some(line) = end.iter().position(|byte| *byte == b'\n') {
            end = &end[line + 1..];
        }
    }
    text(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_from_the_start_of_a_line() {
        let long = format!("first\n{}\nlast\n", "x".repeat(KEPT - 8));
        assert_eq!(
            shown(long.as_bytes()),
            format!("{}\nlast\n", "x".repeat(KEPT - 8))
        );
        let longer = format!("first\n{}\nlast\n", "x".repeat(KEPT));
        assert_eq!(shown(longer.as_bytes()), "last\n");
        assert_eq!(shown(b"short\n"), "short\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(shown(b"a\xff\x00b"), "a\u{fffd}\u{fffd}b");
    }
}
