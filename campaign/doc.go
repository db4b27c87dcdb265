// Package campaign decides what must be sent, to whom and when: contacts and
// lists, import, campaigns and their runs, the audience snapshot, and the planner
// that feeds the queue. It also owns the words the ledger is written in.
//
// The data lives in SQL (package store implements the interfaces declared here);
// the only state kept in memory is what the planner can read again after a crash.
// Contacts, lists and campaigns are changed by people through Service, a run's
// state by Service and the Planner, a recipient's outcome by the recorder alone.
package campaign
