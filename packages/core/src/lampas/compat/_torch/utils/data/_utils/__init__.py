"""``torch.utils.data._utils``: what programs borrow from it."""
