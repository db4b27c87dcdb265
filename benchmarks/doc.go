// Package benchmarks measures the engine, and its peers on the same work in the same
// run: what counts are ratios and processor time per message, since wall time belongs
// to the machine and to whatever else it does.
//
// Engine, peers and sink run in processes of their own, started from the same binary
// (see Child), so that each one's processor time and memory are its own. They use
// loopback and a temporary directory, and end with the process that started them.
// Nothing is kept but the Report, which the caller writes.
package benchmarks
