"""Views: what somebody keeps of a list under a name, its filters, sort and fields, to come back to
it.

A view belongs to the user who made it and to one noun's list, for good; its name is unique among
the views that they have of that list, whatever case and accents. Its query is read as the list
itself would read it before it is kept, so none is broken when it is saved. Its owner sees and
changes it; a shared one is seen by everybody but guests and changed by administrators too. Whoever
opens it sees of the list what they may see, not what its owner does.
"""
