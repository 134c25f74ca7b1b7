"""Views: the filters, sort and fields of a list, saved under a name.

A view always belongs to the user who made it and to one noun's list; its name is unique among that
user's views of that list, ignoring case and accents. Its query is checked as the list itself would
check it, so no broken one is saved. The owner sees and changes it; a shared one is also seen by
everybody but guests, and changed by administrators. Everybody sees through it the records that they
may see, not those of the owner.
"""
