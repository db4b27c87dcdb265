// Package queue is Broadside's use of NATS JetStream: the only place, besides the
// shared limits, that knows subjects, streams and consumers.
//
// The data on disk is JetStream's:
//
//	JOBS    job.<lane>.<x|b>.<run>.<n>
//	                                  packets of n jobs to be done, x express and b bulk
//	        cur.<lane>.<run>          the planner's marker: how far the lane is fed
//	RETRY   rat.<lane>.<run>.<rcpt>   one schedule per deferred recipient
//	        rdue.<lane>.<run>         retries that have come due
//	EVENTS  ev.<part>                 outcomes, many to a message, kept for 7 days
//	TRACK   hit.<part>                openings and clicks, many to a message, for 7 days
//	HOOK_n  hook.n                    what webhook n has not answered for
//	KV      broadside_runs            state and epoch of the runs under way
//	        broadside_leases          who is planner, who is recorder, which senders live
//
// The planner alone writes JOBS; senders remove jobs by acknowledging them, write
// EVENTS and RETRY, the web role writes TRACK; the recorders only read. The webhooks'
// dispatcher follows EVENTS and has the HOOK streams to itself. SQL is the truth: if all of this is
// lost, the planner's reconciliation feeds again what the ledger calls open.
package queue
