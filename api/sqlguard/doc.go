// Package sqlguard says which SQL a user may run: one statement that reads. Start at
// Check; WithNames lets a query name columns as another schema does.
//
// It looks at tokens only, so that nothing depends on what a server makes of a query;
// the server's own user may only read, besides. *Invariant:* what is let through is
// let through again, and begins with a word that reads (FuzzGuard).
package sqlguard
