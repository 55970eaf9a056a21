"""The cases of OCPP 1.6 by section: ids are those of the public case list, the words are ours."""
