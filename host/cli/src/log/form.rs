//! The two formats of lines: text and JSON.

use tracing::Level;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use crate::log::json;
use crate::log::line::line;

/// The target of the log's own lines.
const OWN: &str = "wasmcc::log";

/// The format of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Text, with colors for a terminal.
    Text { colors: bool },
    /// One JSON object a line.
    Json,
}

/// The format as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Text.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Form {
    /// Formats an event that the subscriber has formatted.
    pub(super) fn event(self, event: &str) -> String {
        match self {
            Self::Text { colors } => line(event, colors),
            // The subscriber has made a complete line.
            Self::Json => event.to_owned(),
        }
    }

    /// Formats a text of the program itself, without time and level.
    pub(super) fn note(self, level: Level, text: &str) -> String {
        match self {
            Self::Text { colors } => line(text, colors),
            Self::Json => json::record(level, OWN, text) + "\n",
        }
    }

    /// Formats an entry of the log itself, as one of the subscriber's. The filter does not apply to
    /// it.
    pub(super) fn report(self, level: Level, text: &str) -> String {
        let Self::Text { .. } = self else { return self.note(level, text) };
        let mut event = String::new();
        // If the time cannot be formatted, the line is still useful.
        let _ = SystemTime.format_time(&mut Writer::new(&mut event));
        self.event(&format!("{event} {level:>5} {OWN}: {text}"))
    }
}
