//! Any text: it is read or refused with faults that have a place, and what is read means the same in
//! its canonical spelling.

#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::{Policy, check, coverage, diff};

fuzz_target!(|text: &str| {
    let report = check(text, None);
    for fault in report.faults.iter().chain(&report.warnings) {
        assert!(fault.line >= 1 && fault.column >= 1, "{fault:?}");
    }
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(faults) => {
            assert!(!faults.is_empty() && !report.valid);
            return;
        }
    };
    assert!(report.faults.iter().all(|fault| fault.code == "test_failed"));
    assert_eq!(policy.text(), text);
    let canonical = policy.canonical();
    // What escapes make short may be longer when written out, beyond what is read.
    let Ok(again) = Policy::parse(&canonical) else {
        assert!(canonical.len() > text.len(), "{canonical}");
        return;
    };
    assert_eq!(again.canonical(), canonical);
    assert_eq!(policy.run_tests(None).len(), again.run_tests(None).len());
    let _ = coverage(&policy, &[]);
    let _ = diff(Some(&policy), &again, None);
});
