// Package signin lets people in: with a password that is kept here, or by an OpenID
// Connect provider. Who signed in has a session, which is a cookie.
//
// Start at Door.Routes, which are the endpoints, and at Sessions.Of, which says whose
// session a request is of.
//
// What it promises:
//
//   - Passwords are kept as argon2id hashes. As many attempts as a person needs are
//     answered, and no more: by name and by address, and a name that there is not takes as
//     long as one that there is.
//   - A session's token is 256 random bits, of which only the SHA-256 is kept, in a file of
//     the data folder: it is in no backup. It ends by the clock, by signing out, and when
//     the person is deleted or gets another password or role.
//   - A provider is asked by the code flow with PKCE, a state and a nonce, which are bound
//     to the browser that began. Groups become a role by a table; who is in none of them
//     is refused.
//   - What changes something and comes with a cookie must come from the engine's own page
//     (net/http's CrossOriginProtection, and a header that browsers send).
//
// It knows roles by name only, and no transport but HTTP.
package signin
