/*
 * A Vulkan layer under which a driver compiles what it is given and runs nothing: whatever is recorded or submitted does
 * nothing, and every fence has been signalled. With RADV's null device it makes a card that is not there, of which
 * the compiler can be asked what becomes of a kernel.
 */
#include <string.h>
#include <vulkan/vk_layer.h>

static PFN_vkGetInstanceProcAddr nextInstanceProc;
static PFN_vkGetDeviceProcAddr nextDeviceProc;
static VkInstance instance;

static VkResult succeed(void) { return VK_SUCCESS; }

/* What would record, submit or wait. */
static int runsSomething(const char *name) {
  static const char *const others[] = {
      "vkBeginCommandBuffer", "vkEndCommandBuffer", "vkResetCommandBuffer", "vkResetCommandPool",
      "vkQueueSubmit",        "vkQueueSubmit2",     "vkQueueSubmit2KHR",    "vkQueueWaitIdle",
      "vkDeviceWaitIdle",     "vkWaitForFences",    "vkGetFenceStatus",     "vkResetFences",
  };
  if (strncmp(name, "vkCmd", 5) == 0) return 1;
  for (size_t at = 0; at < sizeof others / sizeof *others; at++) {
    if (strcmp(name, others[at]) == 0) return 1;
  }
  return 0;
}

static VkResult createInstance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *memory, VkInstance *made) {
  VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)info->pNext;
  while (link->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO) {
    link = (VkLayerInstanceCreateInfo *)link->pNext;
  }
  nextInstanceProc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  PFN_vkCreateInstance create = (PFN_vkCreateInstance)nextInstanceProc(VK_NULL_HANDLE, "vkCreateInstance");
  VkResult result = create(info, memory, made);
  instance = *made;
  return result;
}

static VkResult createDevice(VkPhysicalDevice adapter, const VkDeviceCreateInfo *info,
                             const VkAllocationCallbacks *memory, VkDevice *made) {
  VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)info->pNext;
  while (link->sType != VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO) {
    link = (VkLayerDeviceCreateInfo *)link->pNext;
  }
  nextDeviceProc = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  PFN_vkGetInstanceProcAddr proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  return ((PFN_vkCreateDevice)proc(instance, "vkCreateDevice"))(adapter, info, memory, made);
}

static VKAPI_ATTR PFN_vkVoidFunction deviceProc(VkDevice device, const char *name) {
  if (strcmp(name, "vkGetDeviceProcAddr") == 0) return (PFN_vkVoidFunction)deviceProc;
  PFN_vkVoidFunction next = nextDeviceProc(device, name);
  return next != NULL && runsSomething(name) ? (PFN_vkVoidFunction)succeed : next;
}

static VKAPI_ATTR PFN_vkVoidFunction instanceProc(VkInstance of, const char *name) {
  if (strcmp(name, "vkCreateInstance") == 0) return (PFN_vkVoidFunction)createInstance;
  if (strcmp(name, "vkCreateDevice") == 0) return (PFN_vkVoidFunction)createDevice;
  if (strcmp(name, "vkGetInstanceProcAddr") == 0) return (PFN_vkVoidFunction)instanceProc;
  if (strcmp(name, "vkGetDeviceProcAddr") == 0) return (PFN_vkVoidFunction)deviceProc;
  return runsSomething(name) ? (PFN_vkVoidFunction)succeed : nextInstanceProc(of, name);
}

VKAPI_ATTR VkResult vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *negotiated) {
  negotiated->loaderLayerInterfaceVersion = 2;
  negotiated->pfnGetInstanceProcAddr = instanceProc;
  negotiated->pfnGetDeviceProcAddr = deviceProc;
  negotiated->pfnGetPhysicalDeviceProcAddr = NULL;
  return VK_SUCCESS;
}
