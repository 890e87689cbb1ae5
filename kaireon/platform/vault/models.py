"""Encrypted settings of a tenant."""

from django.db import models

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.scoping import TenantModel


class PlatformSetting(TenantModel):
    """One secret of a tenant; the ciphertext names the key that made it and is bound to tenant and key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    category = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    ciphertext = models.TextField()
    key_id = models.CharField(max_length=8)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="platformsetting_key_unique")]
        indexes = [models.Index(fields=["key_id"], name="platformsetting_key_id")]

    def __str__(self) -> str:
        return f"{self.category}: {self.key}"
