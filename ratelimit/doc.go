// Package ratelimit keeps the limits of mailbox sites: messages per second and
// connections at a time, which hold for all senders together, and how they follow what
// the sites' replies say.
//
// Local keeps the limits of a single process in memory. Shared keeps those of a cluster
// in the NATS bucket broadside_rates: a small table for each key, which processes change
// by compare-and-swap, each only its own part of it. Quota counts what a day allows in
// the bucket broadside_quotas.
//
// A Book keeps what replies have taught, for each source, sending domain and linked
// domain at a site, and which sites people have paused. In a cluster it lies in the NATS
// bucket broadside_sites, on disk, a Record in JSON for each key; any process changes a
// record, by compare-and-swap, and what time alone changes is computed, not written.
package ratelimit
