//! Parses `multipart/form-data` (RFC 7578), as far as the channel participation API needs it: one
//! file.

/// The reason why a form cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormError {
    /// The content type has no boundary, or the body does not contain it.
    #[error("cannot read form from request body: multipart: NextPart: EOF")]
    Unreadable,
    /// The file is missing.
    #[error("form does not contains part key: config-block")]
    Missing,
    /// There are other parts besides the file.
    #[error("form contains too many parts")]
    TooMany,
}

/// Returns the only part of a form, if it is named `key` and is a file.
pub(super) fn only_file<'a>(
    content_type: &str,
    body: &'a [u8],
    key: &str,
) -> Result<&'a [u8], FormError> {
    let boundary = parameter(content_type, "boundary").ok_or(FormError::Unreadable)?;
    let (mut file, mut count) = (None, 0);
    for part in parts(body, &boundary).ok_or(FormError::Unreadable)? {
        let end = find(part, b"\r\n\r\n").ok_or(FormError::Unreadable)?;
        let headers = String::from_utf8_lossy(&part[..end]).into_owned();
        let disposition = headers.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-disposition").then_some(value)
        });
        let disposition = disposition.ok_or(FormError::Unreadable)?;
        count += 1;
        let is_file = parameter(disposition, "filename").is_some();
        if is_file && parameter(disposition, "name").as_deref() == Some(key) {
            file = Some(&part[end + 4..]);
        }
    }
    match (file, count) {
        (None, _) => Err(FormError::Missing),
        (Some(file), 1) => Ok(file),
        (Some(_), _) => Err(FormError::TooMany),
    }
}

/// Returns the parts between the delimiters, each with headers and content. None without a closing
/// delimiter.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<&'a [u8]>> {
    let first = format!("--{boundary}");
    let delimiter = format!("\r\n{first}");
    let start = find(body, first.as_bytes())?;
    let mut rest = &body[start + first.len()..];
    let mut found = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(found);
        }
        // A part without headers begins with the empty line.
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, delimiter.as_bytes())?;
        found.push(&rest[..end]);
        rest = &rest[end + delimiter.len()..];
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len().max(1)).position(|window| window == part)
}

/// Returns a parameter of a header's value, without quotes.
fn parameter(value: &str, name: &str) -> Option<String> {
    let found = value.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.trim().split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })?;
    let plain = found.strip_prefix('"').and_then(|found| found.strip_suffix('"'));
    let plain = plain.unwrap_or(found);
    (!plain.is_empty()).then(|| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"xYz\"";

    fn part(name: &str, file: &str, content: &str) -> String {
        let file = if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
        format!(
            "--xYz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\
             Content-Type: application/octet-stream\r\n\r\n{content}\r\n"
        )
    }

    fn file(body: &str) -> Result<String, FormError> {
        let found = only_file(TYPE, body.as_bytes(), "config-block")?;
        Ok(String::from_utf8(found.to_vec()).unwrap())
    }

    #[test]
    fn a_form_holds_one_file() {
        let block = part("config-block", "a.block", "one\r\n\r\ntwo--xYz");
        assert_eq!(file(&format!("{block}--xYz--\r\n")).unwrap(), "one\r\n\r\ntwo--xYz");
        let more = part("config-block", "b.block", "other");
        assert_eq!(file(&format!("{block}{more}--xYz--")), Err(FormError::TooMany));
        let value = part("config-block", "", "x");
        assert_eq!(file(&format!("{value}--xYz--")), Err(FormError::Missing));
        let other = part("block", "a.block", "x");
        assert_eq!(file(&format!("{other}--xYz--")), Err(FormError::Missing));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for body in ["", "x", "--xYz", "--xYz\r\n", "--xYz\r\nA: b\r\n--xYz--"] {
            assert_eq!(file(body), Err(FormError::Unreadable), "{body:?}");
        }
        let refused = only_file("multipart/form-data", b"--xYz--", "config-block");
        assert_eq!(refused, Err(FormError::Unreadable));
    }
}
