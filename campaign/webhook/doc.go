// Package webhook tells other systems over HTTP what becomes of recipients and runs.
//
// It stands beside package campaign, not in delivery: what it tells are a campaign's
// facts, people set it up on the pages, and a message that is on its way knows nothing
// of it. It speaks neither SQL nor NATS: the store and the queue implement its Store
// and its Queue.
//
// The store keeps the endpoints with their secrets (Desk changes them for people, the
// Dispatcher their health), the facts that no queue has, which are written in the
// transaction in which they happen, the orders to test or replay, and the last
// deliveries. The queue keeps what each endpoint has not answered for, apart from all
// others': one that is down fills, and loses, nothing but its own.
//
// One Dispatcher works at a time; the caller holds the lease. It may die anywhere: an
// event leaves the outcomes, the facts or the orders when it is in the endpoints' queues,
// or there is an order to bring it into one that fails, and a queue when the endpoint has
// answered or the delivery is written down as failed. So each event arrives at least
// once, and always under the same id.
package webhook
