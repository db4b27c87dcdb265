// Package delivery makes it so: senders take jobs from the lanes, render and sign
// them, deliver them over persistent SMTP connections, and the recorder writes every
// outcome into the ledger.
//
// A sender keeps nothing that must survive it. A job is in its hands only as long as
// the queue says so; an outcome is durable on the event stream, and a retry durable
// in its schedule, before the job is acknowledged. Everything else (the paths'
// queues, their connections and paces, compiled messages) is rebuilt after a restart.
//
//	intake → path → connection: prepare → open → pace → send → classify → outcomes
package delivery
