"""Small CSMSs that have nothing to do with the reference: right ones in several styles, and wrong ones."""
