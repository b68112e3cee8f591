// Package evtx reads the event logs of Windows, .evtx files.
//
// Each is the way in: it gives every record of a file as JSON, in the form that
// most tools which read such files write (an element is a member, attributes stand
// under #attributes, and named Data are members of EventData). Memory is bounded by
// one chunk of 64 KiB and one record, whatever the size of the file.
//
// A log may have been copied while Windows was writing it, or be cut off or
// damaged. What is whole is read, and what is not is reported with its offset.
//
// The facts about the format are those of Microsoft's [MS-EVEN6] (binary XML,
// types of values) and of Joachim Metz' description "Windows XML Event Log (EVTX)"
// (files, chunks, records); the form of the JSON was worked out from pairs of logs
// and their JSON.
//
// It knows no event: what System and EventData mean is the intake's to say.
//
// A log is its JSON (TestLogsAreTheirJSON); what is damaged is told, and the rest is read
// (TestDamageIsToldAndTheRestIsRead, FuzzEach).
package evtx
