// Package service serves what the API says of access: keys, people with a password, the
// audit log, and the deletion of events. Start at New.
//
// It knows no transport. Who may call what, and what is written down of it, is decided
// before a call comes here (package access).
package service
