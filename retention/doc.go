// Package retention lets go of what is old, and of the oldest events when the
// disk they may take is used up. Whatever it drops it says: in the log, in
// metrics, and in a Report that survives restarts.
//
// Events go by whole days of arrival, matches by whole months, so nothing is
// rewritten; signals go one by one, all versions at once, and then what was told
// of them. It does not know rules: how long their matches are needed is told to it.
//
// How long what is kept is what the engine was started with, or what an administrator said
// since (Kept), which holds over restarts (TestWhatIsSaidHoldsInPlaceOfTheStart). What a change
// deletes is what is said before it (TestWhatAnotherPolicyWouldDropIsWhatItDrops).
//
// Start at Keeper.Enforce.
package retention
