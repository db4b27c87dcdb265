// Package store keeps everything that must outlast the program's memory and its
// queue: contacts, lists, imports, suppressions, campaigns, runs and the ledger, in
// SQLite or PostgreSQL. It is the only package that speaks SQL, and DB implements
// the interfaces that packages campaign and delivery declare.
//
// The tables are in migrations/, one set per database, with a comment on each
// column that needs one. Who changes what:
//
//   - contacts, members, fields, imports: an import and its undo; the status of a
//     membership also Unsubscribe, its end also RecordConsent; Erase and Expire delete;
//   - suppressions: people, bounces and complaints, Erase (which leaves a hash);
//   - consents: RecordConsent, which appends;
//   - dns_seen: whoever looks for our own DNS records;
//   - runs: Service and Planner, each change guarded by the state it starts from;
//     runs.whole_counts: once, by the program that begins the run;
//   - ledger, attempts, run_counts, replies: rows are appended by the snapshot
//     (AppendRecipients), which marks whom a run has in run_members, and changed by the recorder (Apply) and by CancelOpen;
//   - segments, templates: people; segment_users: with the campaigns; run_selections: the
//     planner, once for each run; run_waves: too, but how far they are open, which the
//     planner and people raise; wave_counts: the snapshot;
//   - ledger.variant: the snapshot; runs.ab_winner and ab_decision: DecideAB, once; the kept
//     counts of variants (variant_counts, variant_hits, variant_heard): whoever changes what
//     they count, in runs with an A/B test;
//   - specs: immutable, shared by content hash;
//   - links: SaveLinks, which appends; hits, hit_counts: the recorder of hits
//     (ApplyHits); lists.tracking: people;
//   - mta_sts, tls_results: senders (mtasts.Source, tlsrpt.Recorder);
//   - site_pauses: people; site_records: the mirror (delivery.Mirror).
//
// Kept counts (lists.subscribed, run_counts) change in the transaction that changes
// what they count. Pages are keyset pages. A write transaction that needs several
// row locks takes them in the order runs, run_waves, checkpoint, ledger, run_counts, wave_counts,
// variant_counts, feedback_counts, variant_heard, several of a table by its key, and a list's
// (held, see lists_hold.go), members, the counts of lists in order of id, so that none
// deadlock; on SQLite there is one writer at a time.
package store
