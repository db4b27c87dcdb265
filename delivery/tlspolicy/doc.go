// Package tlspolicy tells what a recipient's domain demands of the session that
// carries its mail: by DANE (RFC 7672), by MTA-STS (RFC 8461), or nothing.
//
// Connections belong to sites, policies to domains. So a Requirement is asked for each
// message whether the session at hand will do; where it won't, another is opened the
// way Configure says, and the other domains of the site go on with the first:
//
//	req, problem := policies.Requirement(ctx, domain, route.Hosts)
//	if problem != tlspolicy.None { defer the message: problem.Enhanced() }
//	if !req.Satisfied(session) {
//		cfg, ok := req.Configure(cfg, host.Name) // !ok: this host must not have it
//		session, result := smtp.Open(ctx, host, &cfg)
//		policies.Opened(req, cfg.LocalAddr, host, session, result)
//	}
//
// Policies keeps the answers for as long as they hold, in memory and bounded; it alone
// changes them. What must last is kept by mtasts and tlsrpt.
package tlspolicy
