//! Lines of a file or of standard input, none longer than can be held.

use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use tokio::{
    fs::File,
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
};

use super::identity::Identity;

/// A payload has at most 4 MiB; as JSON it is larger.
const LONGEST: usize = 16 << 20;

/// What is read line by line.
pub(super) struct Lines {
    input: Box<dyn AsyncBufRead + Unpin + Send>,
    length: Option<u64>,
    number: usize,
    /// Read to find out about the format.
    ahead: Option<Line>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    /// Or why it is none.
    pub(super) text: Result<String, String>,
}

impl Lines {
    /// Opens the file; `-` is standard input.
    pub(super) async fn open(path: &Path) -> anyhow::Result<(Lines, Identity)> {
        if path.as_os_str() == "-" {
            return Ok((Lines::of(tokio::io::stdin(), None), Identity::of_stream()));
        }
        let unreadable = || format!("{} cannot be read", path.display());
        let file = File::open(path).await.with_context(unreadable)?;
        // What is no file can be read once only.
        if !file.metadata().await.with_context(unreadable)?.is_file() {
            return Ok((Lines::of(file, None), Identity::of_stream()));
        }
        let (length, digest) = survey(file).await.with_context(unreadable)?;
        let file = File::open(path).await.with_context(unreadable)?;
        Ok((Lines::of(file, Some(length)), Identity::File(digest)))
    }

    fn of(input: impl tokio::io::AsyncRead + Unpin + Send + 'static, length: Option<u64>) -> Lines {
        Lines { input: Box::new(BufReader::new(input)), length, number: 0, ahead: None }
    }

    /// How many there are, if that can be known.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next one; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read any further.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Line>> {
        match self.ahead.take() {
            Some(line) => Ok(Some(line)),
            None => self.read().await,
        }
    }

    /// The first character that is not blank, if the first line has one. The line is not lost.
    pub(super) async fn first_letter(&mut self) -> anyhow::Result<Option<u8>> {
        self.ahead = self.next().await?;
        let text = self.ahead.as_ref().and_then(|line| line.text.as_ref().ok());
        Ok(text.and_then(|text| text.trim_start().bytes().next()))
    }

    async fn read(&mut self) -> anyhow::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut input = (&mut self.input).take(LONGEST as u64 + 1);
        input.read_until(b'\n', &mut bytes).await.context("the file cannot be read any further")?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        let number = self.number;
        anyhow::ensure!(bytes.len() <= LONGEST, "line {number} is longer than {} MiB", LONGEST >> 20);
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned());
        Ok(Some(Line { number, text }))
    }
}

/// How many lines a file has, and the digest of its content.
async fn survey(mut file: File) -> std::io::Result<(u64, [u8; 32])> {
    let (mut digest, mut lines, mut last) = (Sha256::new(), 0, b'\n');
    let mut piece = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut piece).await?;
        let Some(end) = piece[..read].last() else { break };
        last = *end;
        digest.update(&piece[..read]);
        lines += piece[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
    }
    // The last line may have no end.
    let lines = if last == b'\n' { lines } else { lines + 1 };
    Ok((lines, digest.finalize().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_numbered_and_one_that_is_no_text_does_not_end_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"one\n\xff\nthree").unwrap();
        let (mut lines, _) = Lines::open(file.path()).await.unwrap();
        assert_eq!(lines.length(), Some(3));
        assert_eq!(lines.first_letter().await.unwrap(), Some(b'o'));
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            read.push((line.number, line.text.ok()));
        }
        assert_eq!(read, [(1, Some("one".into())), (2, None), (3, Some("three".into()))]);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_not_read_for_ever() {
        let mut lines = Lines::of(tokio::io::repeat(b'x'), None);
        let said = lines.next().await.unwrap_err().to_string();
        assert!(said.contains("line 1 is longer than 16 MiB"), "{said}");
    }
}
