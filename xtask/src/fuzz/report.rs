//! What a fuzzer has done, from what it says.

/// One target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    target: String,
    executions: String,
    seconds: String,
    coverage: String,
    corpus: String,
    /// The file with the input, or what else is known.
    pub(super) broken_by: Option<String>,
}

impl Row {
    /// Reads the output of libFuzzer.
    pub(super) fn read(target: &str, said: &str) -> Row {
        let mut row = Row { target: target.to_owned(), ..Row::default() };
        for line in said.lines() {
            if let Some(rest) = line.strip_prefix('#') {
                row.progress(rest);
            } else if let Some(rest) = line.strip_prefix("Done ") {
                // "Done 1000 runs in 3 second(s)"
                row.executions = word_before(rest, "runs");
                row.seconds = word_before(rest, "second(s)");
            } else if let Some((_, file)) = line.split_once("Test unit written to ") {
                row.broken_by = Some(file.to_owned());
            }
        }
        row
    }

    /// "1024 (tab) pulse  cov: 10 ft: 20 corp: 5/300b …"
    fn progress(&mut self, line: &str) {
        if let (Some(executions), Some(coverage)) = (line.split('\t').next(), after(line, "cov: "))
        {
            self.executions = executions.to_owned();
            self.coverage = coverage.to_owned();
            self.corpus = after(line, "corp: ").unwrap_or_default().to_owned();
        }
    }
}

/// The word behind `mark`.
fn after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.split_once(mark)?.1.split_whitespace().next()
}

/// The word before the word `mark`.
fn word_before(line: &str, mark: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == mark);
    at.and_then(|at| words.get(at.checked_sub(1)?)).copied().unwrap_or_default().to_owned()
}

/// All of them, for people.
pub(super) fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<14} {:>12} {:>8} {:>9} {:>14}  {}\n",
        "target", "executions", "seconds", "coverage", "corpus", "broken by"
    );
    for Row { target, executions, seconds, coverage, corpus, broken_by } in rows {
        let broken_by = broken_by.as_deref().unwrap_or("nothing");
        text.push_str(&format!(
            "{target:<14} {executions:>12} {seconds:>8} {coverage:>9} {corpus:>14}  {broken_by}\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_fuzzer_says_is_understood() {
        let said = "INFO: seed corpus\n#13\tINITED cov: 90 ft: 100 corp: 12/3Kb exec/s: 0\n\
                    #2048\tDONE   cov: 97 ft: 130 corp: 20/4Kb lim: 4096 exec/s: 500\n\
                    Done 2048 runs in 4 second(s)\nstat::peak_rss_mb: 44\n";
        let row = Row::read("a", said);
        assert_eq!(
            (row.executions.as_str(), row.seconds.as_str(), row.coverage.as_str()),
            ("2048", "4", "97")
        );
        assert_eq!((row.corpus.as_str(), row.broken_by.as_ref()), ("20/4Kb", None));
        assert!(table(&[row]).lines().nth(1).unwrap().ends_with("nothing"));
    }

    #[test]
    fn what_broke_a_target_is_named() {
        let said = "#5\tNEW    cov: 4 ft: 4 corp: 2/3b\n==1== ERROR: libFuzzer: deadly signal\n\
                    artifact_prefix='x/a-'; Test unit written to x/a-crash-1\n";
        assert_eq!(Row::read("a", said).broken_by.as_deref(), Some("x/a-crash-1"));
    }
}
