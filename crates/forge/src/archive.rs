//! The files of a job. GitLab has no list of them: the end of the archive has, and is all that is fetched where the server
//! sends parts (RFC 9110, `Range`).

use crate::answer::{int, text, time};
use crate::call::Call;
use crate::gitlab::{Gitlab, found};
use bytes::Bytes;
use gitlab::api::common::path_escaped;
use http::{Request, StatusCode, header};
use slipway_domain::artifact::{Archive, ArchiveFile, MOST_FILES, is_inside};
use slipway_domain::text::Text;
use slipway_portal::ports::ForgeError;

/// How much of the end is asked for first, in bytes.
const TAIL: u64 = 256 * 1024;
/// The largest list of files that is fetched, in bytes.
const LARGEST_LIST: u64 = 16 * 1024 * 1024;
/// The largest archive that is fetched whole, where the server sends no parts.
const LARGEST_WHOLE: i64 = 48 * 1024 * 1024;

/// The endpoint of a job's archive.
pub fn archive_path(project: i64, job: i64) -> String {
    format!("projects/{project}/jobs/{job}/artifacts")
}

/// The endpoint of a file in it.
pub fn file_path(project: i64, job: i64, path: &str) -> String {
    let parts: Vec<String> = path
        .split('/')
        .map(|part| path_escaped(part).to_string())
        .collect();
    format!("{}/{}", archive_path(project, job), parts.join("/"))
}

/// The archive of a job with the list of its files.
pub async fn read(gitlab: &Gitlab, project: i64, job: i64) -> Result<Option<Archive>, ForgeError> {
    let value = gitlab
        .call(Call::get(format!("projects/{project}/jobs/{job}")))
        .await?;
    let Some(file) = value.get("artifacts_file").filter(|file| file.is_object()) else {
        return Ok(None);
    };
    let mut archive = Archive {
        filename: text(file, "filename").unwrap_or_else(|| String::from("artifacts.zip")),
        size: int(file, "size").unwrap_or_default(),
        expires_at: time(&value, "artifacts_expire_at"),
        ..Archive::default()
    };
    match end_of(gitlab, project, job, &archive).await? {
        Some(End::Part(part)) => listed(&mut archive, &part),
        Some(End::TooLarge) => {
            archive.unlisted = Some(Text::new(
                "The archive is too large to be looked into. Download it whole.",
                "制品包过大，无法查看其中内容，请整体下载。",
            ));
        }
        None => return Ok(None),
    }
    Ok(Some(archive))
}

enum End {
    Part(Part),
    TooLarge,
}

/// The end of an archive, or all of it.
struct Part {
    /// Where it begins in the archive.
    start: u64,
    bytes: Bytes,
}

async fn end_of(
    gitlab: &Gitlab,
    project: i64,
    job: i64,
    archive: &Archive,
) -> Result<Option<End>, ForgeError> {
    let size = u64::try_from(archive.size).unwrap_or_default();
    let mut tail = TAIL;
    // A server that sends no parts would send all of it.
    if size > tail {
        loop {
            match part(gitlab, project, job, size, tail).await? {
                Fetched::Part(part) => {
                    let begin = list_begin(&part.bytes);
                    match begin {
                        Some(begin)
                            if begin < part.start && size - begin <= LARGEST_LIST && tail < size - begin =>
                        {
                            tail = size - begin;
                        }
                        Some(begin) if begin < part.start => return Ok(Some(End::TooLarge)),
                        _ => return Ok(Some(End::Part(part))),
                    }
                }
                Fetched::NoParts => break,
                Fetched::Nothing => return Ok(None),
            }
        }
    }
    if archive.size > LARGEST_WHOLE {
        return Ok(Some(End::TooLarge));
    }
    let path = archive_path(project, job);
    let answer = found(gitlab.raw(&path, 0, &[]).await)?;
    Ok(answer.map(|answer| {
        End::Part(Part {
            start: 0,
            bytes: answer.into_body(),
        })
    }))
}

enum Fetched {
    Part(Part),
    NoParts,
    Nothing,
}

/// The last `tail` bytes of an archive of `size` bytes.
async fn part(gitlab: &Gitlab, project: i64, job: i64, size: u64, tail: u64) -> Result<Fetched, ForgeError> {
    let path = archive_path(project, job);
    let probe = Request::builder()
        .method("GET")
        .uri(gitlab.client.address(&path)?.as_str())
        .header(
            header::RANGE,
            format!("bytes={}-{}", size.saturating_sub(tail), size - 1),
        );
    let also = [StatusCode::RANGE_NOT_SATISFIABLE];
    let Some(answer) = found(gitlab.client.send(probe, Vec::new(), &also).await)? else {
        return Ok(Fetched::Nothing);
    };
    let began = answer
        .headers()
        .get(header::CONTENT_RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    Ok(match (answer.status(), began) {
        (StatusCode::PARTIAL_CONTENT, Some(start)) => Fetched::Part(Part {
            start,
            bytes: answer.into_body(),
        }),
        // All of it came.
        (StatusCode::OK, _) => Fetched::Part(Part {
            start: 0,
            bytes: answer.into_body(),
        }),
        _ => Fetched::NoParts,
    })
}

/// Where the list of files begins, by the record at an archive's end (APPNOTE 4.3.16). Archives of more than 4 GiB or
/// 65 535 files say it elsewhere.
fn list_begin(bytes: &[u8]) -> Option<u64> {
    let at = bytes.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let record = bytes.get(at..at + 22)?;
    let begin = u32::from_le_bytes(record[16..20].try_into().ok()?);
    (begin != u32::MAX).then_some(u64::from(begin))
}

/// Reads the list. A name that leads out of the archive is none of its files.
fn listed(archive: &mut Archive, part: &Part) {
    let begin = list_begin(&part.bytes)
        .and_then(|begin| begin.checked_sub(part.start))
        .and_then(|begin| usize::try_from(begin).ok());
    let list = begin.and_then(|begin| part.bytes.get(begin..));
    let Some(mut list) = list else {
        archive.unlisted = Some(Text::new(
            "The archive's list of files cannot be read. Download it whole.",
            "无法读取制品包的文件列表，请整体下载。",
        ));
        return;
    };
    while let Some((file, rest)) = entry(list) {
        list = rest;
        if file.path.ends_with('/') {
            continue;
        }
        if archive.files.len() >= MOST_FILES || !is_inside(&file.path) {
            archive.left_out += 1;
            continue;
        }
        archive.files.push(file);
    }
    archive.files.sort_by(|a, b| a.path.cmp(&b.path));
}

/// The first file of a list, and what comes after it (APPNOTE 4.3.12). `None`: the list has ended.
fn entry(list: &[u8]) -> Option<(ArchiveFile, &[u8])> {
    let head = list.get(..46)?;
    if !head.starts_with(b"PK\x01\x02") {
        return None;
    }
    let short = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
    let size = u32::from_le_bytes(head[24..28].try_into().ok()?);
    let (name, extra, comment) = (short(28), short(30), short(32));
    let path = String::from_utf8_lossy(list.get(46..46 + name)?).into_owned();
    let more = list.get(46 + name..46 + name + extra)?;
    let rest = list.get(46 + name + extra + comment..)?;
    let size = if size == u32::MAX {
        large_size(more)
    } else {
        i64::from(size)
    };
    Some((ArchiveFile { path, size }, rest))
}

/// The size of a file of more than 4 GiB: the first number of the extra field 1 (APPNOTE 4.5.3).
fn large_size(mut extra: &[u8]) -> i64 {
    while let Some(head) = extra.get(..4) {
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let Some(data) = extra.get(4..4 + length) else {
            break;
        };
        if head[..2] == [1, 0]
            && let Some(size) = data.get(..8).and_then(|size| size.try_into().ok())
        {
            return i64::try_from(u64::from_le_bytes(size)).unwrap_or(i64::MAX);
        }
        extra = &extra[4 + length..];
    }
    i64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write as _};
    use zip::write::SimpleFileOptions;

    fn packed(files: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (path, content) in files {
            if path.ends_with('/') {
                zip.add_directory(*path, SimpleFileOptions::default()).unwrap();
            } else {
                zip.start_file(*path, SimpleFileOptions::default()).unwrap();
                zip.write_all(content.as_bytes()).unwrap();
            }
        }
        zip.set_comment("a comment of PK");
        zip.finish().unwrap().into_inner()
    }

    fn read(bytes: &[u8], start: usize) -> Archive {
        let mut archive = Archive::default();
        let part = Part {
            start: start as u64,
            bytes: Bytes::copy_from_slice(&bytes[start..]),
        };
        listed(&mut archive, &part);
        archive
    }

    #[test]
    fn the_end_of_an_archive_lists_its_files() {
        let bytes = packed(&[
            ("dist/", ""),
            ("dist/app.js", &"x".repeat(5000)),
            ("中文.txt", "four"),
            ("../outside.txt", "no"),
            ("/etc/passwd", "no"),
        ]);
        let begin = usize::try_from(list_begin(&bytes).unwrap()).unwrap();
        for start in [0, begin / 2, begin] {
            let archive = read(&bytes, start);
            let files: Vec<_> = archive
                .files
                .iter()
                .map(|file| (file.path.as_str(), file.size))
                .collect();
            assert_eq!(files, [("dist/app.js", 5000), ("中文.txt", 4)]);
            assert_eq!(archive.left_out, 2, "what leads out is counted, and nothing else");
            assert!(archive.unlisted.is_none());
        }
        assert!(read(&bytes, begin + 1).unlisted.is_some(), "half a list is none");
    }

    #[test]
    fn an_archive_that_is_none_says_so_and_nothing_breaks() {
        let bytes = packed(&[("a", "b"), ("c", "d")]);
        assert!(read(b"not a zip", 0).unlisted.is_some());
        assert!(read(b"", 0).unlisted.is_some());
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 0xff;
            let _ = read(&broken, 0);
            let _ = read(&bytes[..at], 0);
        }
        assert_eq!(read(&packed(&[]), 0).files, []);
    }

    #[test]
    fn a_file_of_more_than_four_gigabytes_has_its_size() {
        let mut extra = vec![0x55, 0x54, 1, 0, 7];
        extra.extend([1, 0, 16, 0]);
        extra.extend(5_000_000_000_u64.to_le_bytes());
        extra.extend(9_u64.to_le_bytes());
        assert_eq!(large_size(&extra), 5_000_000_000);
        assert_eq!(large_size(&[]), i64::from(u32::MAX));
    }
}
