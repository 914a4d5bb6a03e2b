//! What else a document holds: `hide`, and the tests that prove what its rules do.

use json::Value;

use super::{Merge, MergeError};
use crate::{
    builder::{operator::quoted, text::Text},
    engine::Engine,
    policy::Policy,
};

impl Merge<'_> {
    pub(super) fn hide(&mut self, source: Value<'_>) -> Result<(), MergeError> {
        let Some(hidden) = source.get("hide") else {
            return Ok(());
        };
        self.prefixes.push(("/hide".to_owned(), "/hide".to_owned()));
        for (at, name) in hidden.elements().enumerate() {
            let Some(text) = name.as_str() else { continue };
            let list = ["hide".to_owned()];
            let listed = self
                .text
                .get(&list, |own| own.elements().position(|it| it.is(&text)))?;
            let position = match listed.flatten().or_else(|| self.rules.hidden_by(&text)) {
                Some(position) => position,
                None => {
                    self.text.push(&[], "hide", name.raw())?;
                    self.text.len(&list)? - 1
                }
            };
            if self.rules.tools.iter().any(|(own, _)| own.text() == text) {
                self.note(format!(
                    "`{text}` has rules here that do not apply while it is hidden."
                ));
            }
            let key = (format!("/hide/{at}"), "/hide".to_owned());
            self.moved.insert(key, format!("/hide/{position}"));
        }
        Ok(())
    }

    /// Tests of the rule that pass here too. Where a rule stands elsewhere now, its test says so.
    pub(super) fn tests(&mut self, source: Value<'_>) -> Result<(), MergeError> {
        let Some(tests) = source.get("tests") else {
            return Ok(());
        };
        let now = self.text.clone().into_string();
        let now = Policy::parse(&now).map_err(MergeError::Together)?;
        let engine = Engine::compile(&now, self.inventory);
        for test in tests.elements() {
            let mut failed = None;
            let mut kept = false;
            for candidate in self.spelt(test)? {
                let (passed, sentence) = run(&engine, &candidate)?;
                if passed {
                    self.add_test(&candidate)?;
                    kept = true;
                    break;
                }
                failed.get_or_insert(sentence);
            }
            if let (false, Some(sentence)) = (kept, failed) {
                self.note(format!("A test of the rule was left out: {sentence}."));
            }
        }
        Ok(())
    }

    /// A test with its rule as it is called here: one text for each place that the rule went to.
    fn spelt(&self, test: Value<'_>) -> Result<Vec<String>, MergeError> {
        let Some(rule) = test
            .get("rule")
            .and_then(|rule| Some(rule.as_str()?.into_owned()))
        else {
            return Ok(vec![test.raw().to_owned()]);
        };
        let renamed = self.moved.get(&(rule.clone(), String::new()));
        let rule = renamed.unwrap_or(&rule);
        let mut rules = Vec::new();
        for (from, to) in &self.prefixes {
            let Some(rest) = rule.strip_prefix(from.as_str()) else {
                continue;
            };
            let plain = || format!("{to}{rest}");
            let moved = self.moved.get(&(rule.clone(), to.clone()));
            let is = moved.cloned().unwrap_or_else(plain);
            if rest.starts_with('/') && !rules.contains(&is) {
                rules.push(is);
            }
        }
        if rules.is_empty() {
            rules.push(rule.clone());
        }
        let with = |rule: String| {
            let mut text = Text::new(test.raw())?;
            text.set(&[], "rule", &quoted(&rule))?;
            Ok(text.into_string())
        };
        rules.into_iter().map(with).collect()
    }

    fn add_test(&mut self, test: &str) -> Result<(), MergeError> {
        let wanted = Text::new(test)?.canonical(&[])?;
        let list = ["tests".to_owned()];
        let there = self.text.get(&list, |own| {
            own.elements().any(|it| Some(it.canonical()) == wanted)
        })?;
        match there {
            Some(true) => Ok(()),
            _ => Ok(self.text.push(&[], "tests", test)?),
        }
    }
}

/// Whether a test passes, and how it came out.
fn run(engine: &Engine, test: &str) -> Result<(bool, String), MergeError> {
    let alone = format!("{{\"version\":\"1\",\"default\":\"deny\",\"tests\":[{test}]}}");
    let alone = Policy::parse(&alone).map_err(MergeError::Rule)?;
    let outcomes = alone.run_tests_on(engine);
    let sentences = outcomes.first().map(|it| (it.passed, it.sentence()));
    Ok(sentences.unwrap_or((true, String::new())))
}
