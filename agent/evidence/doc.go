// Package evidence takes what a match leaves behind and what may be gone a moment
// later: the hashes of a file, the memory of a process, a line in a log. These are the
// actions hash, coredump and log of rules; Collector is where to start.
//
// It promises:
//   - Nobody who reads events waits for it: Begin returns at once, and the result is
//     told later, within Limits.Wait (TestAFileSystemThatDoesNotAnswerHoldsUpNothing).
//   - A hash is that of the file the event is about, told by its inode and its times, and
//     never silently that of another one that has its path now (TestAnotherFileWithItsPathIsNotHashed).
//     A file that was written since is hashed and said to be so (TestAFileThatChangedIsSaidToHave).
//   - It opens regular files of file systems that keep files, and nothing else: no pipe, no
//     device, nothing that could do something or wait when it is read (TestOnlyRegularFilesAreOpened).
//   - Memory is that of the process of the event, never of a later one with its pid
//     (TestTheMemoryOfALaterProcessIsNotWritten); it is written for root only, in a folder that
//     does not grow beyond Limits.DumpTotal (TestDumpsAreBounded).
//   - What it refuses, it says why: too large, too often, gone, too slow.
//
// It does not know which rule has which actions, nor when they are taken: that is
// agent/respond.
package evidence
