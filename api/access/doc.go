// Package access says who calls the engine and what each caller may do.
//
// Start at Keys.Admit, which turns the keys that a call carries into a Caller, and at
// Endpoints, the table that says which permission every call needs. A call that is in
// no row of it is refused, and a test walks all there are (TestEveryEndpointHasARow and
// TestEveryEndpointWithEveryRole in api/server).
//
// What it promises:
//
//   - A key is shown once, when it is made; only its SHA-256 is kept. A slow hash, which
//     protects passwords against guessing, would add nothing: a key is 256 random bits.
//   - The first key (spec: DATA-DIR/api-key, --api-key, NIGHTJAR_API_KEY) is an
//     administrator's and is not among the stored ones, so that it opens an engine whose
//     database does not answer. It is replaced offline (nightjar keys reset).
//   - Where an API key and an application key are sent, both must be valid, and the role
//     of the application key is the caller's.
//   - When a key was last used is known to the minute, and costs no write per request:
//     Usage keeps it in memory and writes one file a minute. A kill loses at most that.
//
// It knows no transport: api/access/calls and api/rest ask it. What is written
// down of what callers did is in package access/audit.
package access
