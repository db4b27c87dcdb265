// Package openid asks an OpenID provider who somebody is: the authorization code flow
// with PKCE (OpenID Connect Core §3.1, RFC 7636), and the checks of what comes back.
//
// It keeps nothing but the provider's description and keys, in memory. What a sign-in
// under way must remember is an Attempt, which the caller keeps in the browser's session.
// Whether the person may enter, and as what, is for package account to say.
package openid
