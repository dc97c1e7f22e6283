// Package partial finds out what of a script has to be run when a few of its
// statements differ from those of a script whose state is known, and puts the
// known state and what these statements make together.
//
// The statements that can be touched by the change are run twice on an empty
// database, with what they need: as they were, and as they are. What was has to be
// found in the known state to the letter, and what differs between the two is
// what differs in the new state. Whatever is not surely understood is an error,
// and the whole script has to be run.
package partial
