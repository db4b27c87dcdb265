package mx

import "context"

// Site says which site takes a domain's mail, without looking for addresses: it is for
// sorting mail, where Route is for delivering it. When ctx ends first, the problem is
// Temporary.
func (r *Router) Site(ctx context.Context, domain string) (string, Problem) {
	domain = normal(domain)
	if !isName(domain) {
		return "", NoDomain
	}
	ex, err := r.domains.Get(ctx, domain, r.mxOf(domain))
	if err != nil {
		return "", Temporary
	}
	return ex.site, ex.problem
}

// KnownSite is Site from memory: false when DNS would have to be asked.
func (r *Router) KnownSite(domain string) (site string, known bool) {
	ex, ok := r.domains.Peek(normal(domain))
	return ex.site, ok
}
