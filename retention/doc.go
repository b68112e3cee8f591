// Package retention lets go of what is old, and of the oldest events when the
// disk they may take is used up. Whatever it drops it says: in the log, in
// metrics, and in a Report that survives restarts.
//
// Events go by whole days of arrival, matches by whole months, so nothing is
// rewritten; signals go one by one, all versions at once, and then what was told
// of them. It does not know rules: how long their matches are needed is told to it.
//
// Start at Keeper.Enforce.
package retention
